import { describe, expect, it } from 'vitest'
import { runReference } from '../../src/check/index.ts'
import { caseRandom } from '../../src/check/random.ts'
import { moe_gate, moeGate } from '../../src/ops/moe_gate.ts'
import { moe_gate_bwd } from '../../src/ops/moe_gate_bwd.ts'
import { moeWeights } from '../../src/ops/moe_weights.ts'
import { describeOp } from '../support/describe_op.ts'
import { deviceNames, testDevice } from '../support/devices.ts'
import { gradcheck } from '../support/gradcheck.ts'
import { goldenGate } from '../support/routing_golden.ts'
import { f32 } from '../support/values.ts'

const logit = (s: number) => Math.log(s / (1 - s))
const choose = (scores: number[], bias: number[], groups: number, topkGroup: number, topk: number) =>
  [...runReference(moe_gate, { logits: f32([1, scores.length], scores.map(logit)), bias: f32([bias.length], bias) }, { groups, topkGroup, topk }).topk_indices.data]

describe('moe_gate by hand', () => {
  it('scores are sigmoids, the bias decides only the choice', () => {
    const { scores, topk_indices } = runReference(moe_gate, { logits: f32([1, 3], [0, Math.log(3), -Math.log(3)]), bias: f32([3], [0, 0, 10]) }, { groups: 1, topkGroup: 1, topk: 2 })
    expect(scores.data[0]).toBe(0.5)
    expect(scores.data[1]).toBeCloseTo(0.75, 6)
    expect(scores.data[2]).toBeCloseTo(0.25, 6)
    expect([...topk_indices.data]).toEqual([2, 1])
  })

  it('a group counts its two best, not its best', () => {
    expect(choose([0.9, 0.1, 0.6, 0.55], [0, 0, 0, 0], 2, 1, 1)).toEqual([2]) // 1.0 against 1.15
    expect(choose([0.9, 0.1, 0.6, 0.35], [0, 0, 0, 0], 2, 1, 1)).toEqual([0]) // 1.0 against 0.95
  })

  it('excluded groups stay out where every score + bias is negative', () => {
    // Masking with 0 would choose from the excluded groups.
    expect(choose([0.5, 0.4, 0.3, 0.2, 0.1, 0.15], [-2, -2, -2, -2, -2, -2], 3, 1, 2)).toEqual([0, 1])
  })

  it('equal scores go to the lower index, saturated ones too', () => {
    expect(choose([0.5, 0.5, 0.5, 0.5], [0, 0, 0, 0], 2, 1, 2)).toEqual([0, 1])
    const { topk_indices } = runReference(moe_gate, { logits: f32([1, 3], [50, 60, 70]), bias: f32([3], [0, 0, 0]) }, { groups: 1, topkGroup: 1, topk: 2 })
    expect([...topk_indices.data]).toEqual([0, 1])
  })

  it('numbers that are not finite still give different experts within range', () => {
    const { topk_indices } = runReference(moe_gate, { logits: f32([1, 4], [NaN, NaN, 0, NaN]), bias: f32([4], [0, Infinity, -Infinity, 0]) }, { groups: 1, topkGroup: 1, topk: 4 })
    expect([...topk_indices.data]).toEqual([0, 1, 2, 3])
  })

  it('refuses groups that do not fit', () => {
    const specs = { logits: { dtype: 'f32', shape: [2, 8] }, bias: { dtype: 'f32', shape: [8] } } as const
    expect(() => moe_gate.infer(specs, { groups: 3, topkGroup: 1, topk: 1 })).toThrow('moe_gate: logits is [2, 8] f32, needs E divisible by groups = 3')
    expect(() => moe_gate.infer(specs, { groups: 4, topkGroup: 2, topk: 5 })).toThrow('topk from 1 to the 4 experts of 2 groups, not 5')
  })

  it('backward is s (1 - s)', () => {
    const { dlogits } = runReference(moe_gate_bwd, { dscores: f32([1, 2], [2, -4]), scores: f32([1, 2], [0.5, 0.25]) }, {})
    expect([...dlogits.data]).toEqual([0.5, -0.75])
  })
})

it('moe_gate: backward agrees with differences', () => {
  const r = caseRandom('moe_gate gradcheck')
  gradcheck(({ logits, bias }) => moeGate(logits, bias, { groups: 2, topkGroup: 1, topk: 2 }).scores, { logits: r.normal([3, 6]), bias: f32([6], [0, 0, 0, 0, 0, 0]) })
})

describe('the official Gate', () => {
  for (const deviceName of deviceNames) {
    for (const name of ['zero_bias_mean', 'negative_bias'] as const) {
      it(`${deviceName} > ${name}`, async (context) => {
        const device = await testDevice(deviceName)
        if (!device) return context.skip()
        const g = await goldenGate(name)
        const { indices, weights } = device.scope(() => {
          const gate = moeGate(device.tensor('f32', [g.T, g.E], g.logits), device.tensor('f32', [g.E], g.bias), g)
          const indices = gate.topkIndices
          return { indices, weights: moeWeights(gate.scores, indices, { normalize: true, scale: g.routeScale }) }
        })
        expect([...await indices.read()]).toEqual([...g.topkIndices])
        const got = await weights.read()
        g.topkWeights.forEach((w, i) => expect(Math.abs(got[i] - w)).toBeLessThan(5e-6))
        indices.release()
        weights.release()
      })
    }
  }
})

describe('not finite on every device', () => {
  for (const deviceName of deviceNames) {
    it(deviceName, async (context) => {
      const device = await testDevice(deviceName)
      if (!device) return context.skip()
      const { topkIndices, scores } = moeGate(
        device.tensor('f32', [2, 4], [NaN, NaN, 0, NaN, Infinity, -Infinity, NaN, 1]), device.tensor('f32', [4], [0, Infinity, -Infinity, 0]), { groups: 2, topkGroup: 2, topk: 4 })
      expect([...await topkIndices.read()]).toEqual([0, 1, 2, 3, 1, 0, 3, 2])
      expect((await scores.read()).slice(4, 6)).toEqual(Float32Array.of(1, 0))
    })
  }
})

describeOp(moe_gate)
describeOp(moe_gate_bwd)
