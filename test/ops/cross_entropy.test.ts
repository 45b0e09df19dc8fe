import { describe, expect, it } from 'vitest'
import { ReferenceBackend } from '../../backends/reference/index.ts'
import { runReference } from '../../src/check/index.ts'
import { Device } from '../../src/core/device.ts'
import { cross_entropy, crossEntropy } from '../../src/ops/cross_entropy.ts'
import { describeOp } from '../support/describe_op.ts'
import { gradcheck } from '../support/gradcheck.ts'
import { f32, i32, normal } from '../support/host.ts'

describe('cross_entropy by hand', () => {
  it('is log 4 where the target has probability 1/4, and 0 where it is ignored', () => {
    const { losses, total, dlogits } = runReference(cross_entropy, { logits: f32([2, 2], [0, Math.log(3), 5, 6]), targets: i32([2], [0, -1]) }, { scale: 2 })
    expect(losses.data[0]).toBeCloseTo(Math.log(4), 6)
    expect(losses.data[1]).toBe(0)
    expect(total.data[0]).toBeCloseTo(2 * Math.log(4), 6)
    expect(dlogits.data[0]).toBeCloseTo(-1.5, 6)
    expect(dlogits.data[1]).toBeCloseTo(1.5, 6)
    expect(Array.from(dlogits.data.subarray(2))).toEqual([0, 0])
  })
  it('has the gradient that differences give', () => {
    const logits = normal('logits', [4, 5])
    gradcheck(({ logits, targets }) => crossEntropy(logits, targets, 0.3).total, { logits, targets: i32([4], [4, -1, 0, 2]) }, { roots: true })
  })
  it('refuses an incoming gradient', () => {
    const device = new Device(new ReferenceBackend())
    const logits = device.tensor('f32', [1, 2], [1, 2])
    logits.requiresGrad = true
    const { result, tape } = device.record(() => crossEntropy(logits, device.tensor('i32', [1], [0]), 1))
    expect(() => tape.backward([], { seeds: [[result.total, device.tensor('f32', [1], [2])]] })).toThrow(/as a root/)
  })
})

describeOp(cross_entropy)
