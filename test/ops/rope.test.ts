import { describe, expect, it } from 'vitest'
import { runReference } from '../../src/check/index.ts'
import { rope, ropeOf } from '../../src/ops/rope.ts'
import { describeOp } from '../support/describe_op.ts'
import { gradcheck } from '../support/gradcheck.ts'
import { f32, normal } from '../support/host.ts'

// Position 0 turns by 0, position 1 by a quarter.
const tables = { cos: f32([2, 1], [1, 0]), sin: f32([2, 1], [0, 1]) }
const turn = (x: number[], attrs: object = {}) => Array.from(runReference(rope, { x: f32([x.length / 3, 1, 3], x), ...tables }, { inverse: false, position: 0, ...attrs }).y.data, (v) => v + 0)

describe('rope by hand', () => {
  it('turns the last two dims of three, by the row modulo the table', () => {
    expect(turn([9, 1, 2, 9, 1, 2, 9, 1, 2])).toEqual([9, 1, 2, 9, -2, 1, 9, 1, 2])
  })
  it('turns back', () => expect(turn([9, 1, 2, 9, 1, 2], { inverse: true })).toEqual([9, 1, 2, 9, 2, -1]))
  it('starts at a position', () => expect(turn([9, 1, 2], { position: 3 })).toEqual([9, -2, 1]))
  it('has the gradient that differences give', () => {
    const { cos, sin } = { cos: normal('cos', [3, 2]), sin: normal('sin', [3, 2]) }
    // The tables are constants: they get no gradient.
    gradcheck(({ x }) => ropeOf(x, x.device.tensor('f32', [3, 2], cos.data), x.device.tensor('f32', [3, 2], sin.data)), { x: normal('x', [6, 2, 5]) })
  })
})

describeOp(rope)
