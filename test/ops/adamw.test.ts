import { describe, expect, it } from 'vitest'
import { runReference } from '../../src/check/index.ts'
import { adamw } from '../../src/ops/adamw.ts'
import { describeOp } from '../support/describe_op.ts'
import { f32 } from '../support/host.ts'

const attrs = { lr: 0.1, beta1: 0.9, beta2: 0.99, eps: 0, weightDecay: 0, step: 1 }
const one = (p: number, g: number, m: number, v: number, coef: number) =>
  ({ p: f32([1], [p]), g: f32([1], [g]), m: f32([1], [m]), v: f32([1], [v]), coef: f32([1], [coef]) })

describe('adamw by hand', () => {
  it('moves by lr against the sign of the gradient at the first step', () => {
    const { p, m, v } = runReference(adamw, one(1, -4, 0, 0, 0.5), attrs)
    expect(p.data[0]).toBeCloseTo(1.1, 6)
    expect(m.data[0]).toBeCloseTo(-0.2, 6)
    expect(v.data[0]).toBeCloseTo(0.04, 6)
  })
  it('corrects the bias of later steps', () => {
    // m = 0.9 * 1 + 0.1 * 2 = 1.1, v = 0.99 * 1 + 0.01 * 4 = 1.03; corrections 0.19 and 0.0199.
    const { p } = runReference(adamw, one(0, 2, 1, 1, 1), { ...attrs, step: 2 })
    expect(p.data[0]).toBeCloseTo((-0.1 * (1.1 / 0.19)) / Math.sqrt(1.03 / 0.0199), 6)
  })
  it('decays the weight apart from the gradient', () => {
    const { p } = runReference(adamw, one(2, 0, 0, 1, 1), { ...attrs, weightDecay: 0.5 })
    expect(p.data[0]).toBeCloseTo(2 * (1 - 0.05), 6)
  })
  it('leaves everything when coef is 0, whatever the gradient', () => {
    const { p, m, v } = runReference(adamw, one(2, NaN, 3, 4, 0), { ...attrs, weightDecay: 0.5 })
    expect([p.data[0], m.data[0], v.data[0]]).toEqual([2, 3, 4])
  })
})

describeOp(adamw)
