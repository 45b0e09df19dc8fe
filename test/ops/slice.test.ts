import { describe, expect, it } from 'vitest'
import { runReference } from '../../src/check/index.ts'
import { concat, concatOf } from '../../src/ops/concat.ts'
import { slice, sliceOf } from '../../src/ops/slice.ts'
import { slice_bwd } from '../../src/ops/slice_bwd.ts'
import { describeOp } from '../support/describe_op.ts'
import { gradcheck } from '../support/gradcheck.ts'
import { f32, normal } from '../support/host.ts'

describe('slice and concat by hand', () => {
  const x = f32([2, 3], [1, 2, 3, 4, 5, 6])
  it('takes columns', () => expect(Array.from(runReference(slice, { x }, { start: 1, len: 2 }).y.data)).toEqual([2, 3, 5, 6]))
  it('refuses columns outside', () => expect(() => runReference(slice, { x }, { start: 2, len: 2 })).toThrow('slice: x is [2, 3] f32, needs columns 2 to 4'))
  it('puts columns back among zeros', () => {
    expect(Array.from(runReference(slice_bwd, { dy: f32([2, 1], [7, 8]) }, { start: 1, width: 3 }).dx.data)).toEqual([0, 7, 0, 0, 8, 0])
  })
  it('joins columns', () => expect(Array.from(runReference(concat, { x, y: f32([2, 1], [7, 8]) }, {}).z.data)).toEqual([1, 2, 3, 7, 4, 5, 6, 8]))
  it('have the gradients that differences give', () => {
    gradcheck(({ x }) => sliceOf(x, 1, 2), { x: normal('x', [3, 4]) })
    gradcheck(({ x, y }) => concatOf(x, y), { x: normal('x', [3, 4]), y: normal('y', [3, 2]) })
    // Slices of one tensor: their gradients meet.
    gradcheck(({ x }) => concatOf(sliceOf(x, 1, 3), sliceOf(x, 0, 2)), { x: normal('x', [3, 4]) })
  })
})

describeOp(slice)
describeOp(slice_bwd)
describeOp(concat)
