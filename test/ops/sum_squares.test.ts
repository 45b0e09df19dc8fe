import { describe, expect, it } from 'vitest'
import { runReference } from '../../src/check/index.ts'
import { clip_coefficient } from '../../src/ops/clip_coefficient.ts'
import { sum_squares } from '../../src/ops/sum_squares.ts'
import { describeOp } from '../support/describe_op.ts'
import { deviceNames, testDevice } from '../support/devices.ts'
import { f32, normal } from '../support/host.ts'

describe('sum_squares and clip_coefficient by hand', () => {
  it('adds to what is there', () => expect(runReference(sum_squares, { x: f32([2], [3, 4]), acc: f32([1], [11]) }, {}).acc.data[0]).toBe(36))
  const clip = (acc: number, maxNorm: number) => {
    const { coef, norm } = runReference(clip_coefficient, { acc: f32([1], [acc]) }, { maxNorm })
    return [coef.data[0], norm.data[0]]
  }
  it('scales down to maxNorm', () => {
    const [coef, norm] = clip(36, 3)
    expect(norm).toBe(6)
    expect(coef).toBeCloseTo(3 / (6 + 1e-6), 7)
  })
  it('never scales up, and not at all without maxNorm', () => {
    expect(clip(36, 7)).toEqual([1, 6])
    expect(clip(36, 0)).toEqual([1, 6])
  })
  it('is 0 for a norm that is not finite', () => {
    expect(clip(Infinity, 1)).toEqual([0, Infinity])
    expect(clip(NaN, 0)).toEqual([0, NaN])
  })
})

describe('sum_squares gives the same bits twice', () => {
  for (const name of deviceNames) {
    it(name, async (context) => {
      const device = await testDevice(name)
      if (!device) return context.skip()
      const h = normal('x', [100_003])
      const x = device.tensor('f32', h.shape, h.data)
      const sums = [0, 1].map(() => device.zeros('f32', [1]))
      for (const acc of sums) device.run(sum_squares, { x, acc })
      const [a, b] = await Promise.all(sums.map((t) => t.readBytes()))
      expect(a).toEqual(b)
      for (const t of [x, ...sums]) t.release()
    })
  }
})

describeOp(sum_squares)
describeOp(clip_coefficient)
