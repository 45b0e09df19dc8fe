import { describe, expect, it } from 'vitest'
import { runReference } from '../../src/check/index.ts'
import { swiglu, swigluOf } from '../../src/ops/swiglu.ts'
import { swiglu_bwd } from '../../src/ops/swiglu_bwd.ts'
import { describeOp } from '../support/describe_op.ts'
import { gradcheck } from '../support/gradcheck.ts'
import { f32, normal } from '../support/host.ts'

describe('swiglu by hand', () => {
  it('multiplies silu of the first half with the second half', () => {
    // silu(ln 3) = ln 3 * 3 / 4, silu(0) = 0.
    const { y } = runReference(swiglu, { h: f32([1, 4], [Math.log(3), 0, 2, 5]) }, {})
    expect(y.data[0]).toBeCloseTo(1.5 * Math.log(3), 6)
    expect(y.data[1]).toBe(0)
  })
  it('refuses an odd width', () => expect(() => runReference(swiglu, { h: f32([1, 3], [1, 2, 3]) }, {})).toThrow('swiglu: h is [1, 3] f32, needs [T, 2F] f32'))
  it('has the gradient that differences give', () => gradcheck(({ h }) => swigluOf(h), { h: normal('h', [3, 10], 2) }))
})

describeOp(swiglu)
describeOp(swiglu_bwd)
