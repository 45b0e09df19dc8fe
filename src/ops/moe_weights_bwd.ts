// moe_weights_bwd: dscores[t, e] = scale / S * (dw[t, j] - sum over i of dw[t, i] s[t, i] / S) where expert e is choice j,
// S = sum of the chosen scores; zero elsewhere. Without normalize: scale * dw[t, j].
import { defineOp } from '../core/op.ts'
import { need, sameShape, spec } from '../core/shape.ts'
import type { MoeWeightsAttrs } from './moe_weights.ts'

export const moe_weights_bwd = defineOp<MoeWeightsAttrs>({
  name: 'moe_weights_bwd',
  args: [['dw', 'in'], ['scores', 'in'], ['topk_indices', 'in'], ['dscores', 'out']],
  infer({ dw, scores, topk_indices }) {
    need(scores.shape.length === 2 && scores.dtype === 'f32', 'moe_weights_bwd', 'scores', scores, '[T, E] f32')
    need(topk_indices.shape.length === 2 && topk_indices.shape[0] === scores.shape[0] && topk_indices.dtype === 'i32', 'moe_weights_bwd', 'topk_indices', topk_indices, `[${scores.shape[0]}, topk] i32`)
    need(sameShape(dw.shape, topk_indices.shape) && dw.dtype === 'f32', 'moe_weights_bwd', 'dw', dw, `[${topk_indices.shape.join(', ')}] f32`)
    return { dscores: spec('f32', scores.shape) }
  },
  reference({ dw, scores, topk_indices, dscores }, { normalize, scale }) {
    const E = scores.shape[1]
    const [T, topk] = topk_indices.shape
    dscores.data.fill(0)
    for (let t = 0; t < T; t++) {
      const expert = (j: number) => t * E + topk_indices.data[t * topk + j]
      let sum = 0
      let dot = 0
      for (let j = 0; j < topk; j++) {
        sum += scores.data[expert(j)]
        dot += dw.data[t * topk + j] * scores.data[expert(j)]
      }
      const factor = !normalize ? scale : sum === 0 ? 0 : scale / sum
      const mean = normalize && sum !== 0 ? dot / sum : 0
      for (let j = 0; j < topk; j++) dscores.data[expert(j)] += factor * (dw.data[t * topk + j] - mean)
    }
  },
  tolerance: ({ topk_indices }) => 2e-7 * (8 + topk_indices.shape[1]),
  toleranceReason: 'float32 sums of topk terms, two divisions of 2.5 ulp, then a difference that may cancel',
})
