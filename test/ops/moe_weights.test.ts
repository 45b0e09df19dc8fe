import { describe, expect, it } from 'vitest'
import { runReference } from '../../src/check/index.ts'
import { caseRandom } from '../../src/check/random.ts'
import { moe_weights, moeWeights } from '../../src/ops/moe_weights.ts'
import { moe_weights_bwd } from '../../src/ops/moe_weights_bwd.ts'
import { describeOp } from '../support/describe_op.ts'
import { gradcheck } from '../support/gradcheck.ts'
import { f32, i32 } from '../support/values.ts'

describe('moe_weights by hand', () => {
  const scores = f32([2, 3], [0.5, 0.25, 0.25, 0, 0, 0])
  const topk_indices = i32([2, 2], [2, 0, 1, 0])

  it('sum to scale; all zero stays zero', () => {
    const { topk_weights } = runReference(moe_weights, { scores, topk_indices }, { normalize: true, scale: 3 })
    expect([...topk_weights.data]).toEqual([1, 2, 0, 0])
  })

  it('without normalize only scales', () => {
    const { topk_weights } = runReference(moe_weights, { scores, topk_indices }, { normalize: false, scale: 4 })
    expect([...topk_weights.data]).toEqual([1, 2, 0, 0])
  })

  it('gradient: w0 = 3 s2 / (s0 + s2) has derivatives 3 s0 / 0.75^2 and -3 s2 / 0.75^2', () => {
    const { dscores } = runReference(moe_weights_bwd, { dw: f32([2, 2], [1, 0, 5, 5]), scores, topk_indices }, { normalize: true, scale: 3 })
    expect(dscores.data[2]).toBeCloseTo(1.5 / 0.5625, 6)
    expect(dscores.data[0]).toBeCloseTo(-0.75 / 0.5625, 6)
    expect([dscores.data[1], ...dscores.data.slice(3)]).toEqual([0, 0, 0, 0])
  })
})

describe('moe_weights: backward agrees with differences', () => {
  for (const normalize of [true, false]) {
    it(`normalize ${normalize}`, () => {
      const r = caseRandom('moe_weights gradcheck')
      const topk_indices = i32([3, 3], [4, 0, 2, 1, 2, 3, 0, 5, 1])
      gradcheck((t) => moeWeights(t.scores, t.topk_indices, { normalize, scale: 2.5 }), { scores: r.uniform([3, 6], 0.1, 0.9), topk_indices })
    })
  }
})

describeOp(moe_weights)
describeOp(moe_weights_bwd)
