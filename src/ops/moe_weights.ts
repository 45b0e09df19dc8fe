// moe_weights: topk_weights[t, j] = scale * s[t, j] / sum over j of s[t, j], with s the scores of the chosen experts.
// [deepseek-v3.md §1.4]
import { defineOp } from '../core/op.ts'
import { need, spec } from '../core/shape.ts'
import type { Tensor } from '../core/tensor.ts'
import { moe_weights_bwd } from './moe_weights_bwd.ts'

export type MoeWeightsAttrs = { readonly normalize: boolean; readonly scale: number }

export const moe_weights = defineOp<MoeWeightsAttrs>({
  name: 'moe_weights',
  args: [['scores', 'in'], ['topk_indices', 'in'], ['topk_weights', 'out']],
  infer({ scores, topk_indices }) {
    need(scores.shape.length === 2 && scores.dtype === 'f32', 'moe_weights', 'scores', scores, '[T, E] f32')
    need(topk_indices.shape.length === 2 && topk_indices.shape[0] === scores.shape[0] && topk_indices.dtype === 'i32', 'moe_weights', 'topk_indices', topk_indices, `[${scores.shape[0]}, topk] i32`)
    return { topk_weights: spec('f32', topk_indices.shape) }
  },
  reference({ scores, topk_indices, topk_weights }, { normalize, scale }) {
    const E = scores.shape[1]
    const [T, topk] = topk_indices.shape
    for (let t = 0; t < T; t++) {
      const s = (j: number) => scores.data[t * E + topk_indices.data[t * topk + j]]
      let sum = 0
      for (let j = 0; j < topk; j++) sum += s(j)
      const factor = !normalize ? scale : sum === 0 ? 0 : scale / sum
      for (let j = 0; j < topk; j++) topk_weights.data[t * topk + j] = s(j) * factor
    }
  },
  tolerance: ({ topk_indices }) => 1e-7 * (6 + topk_indices.shape[1]),
  toleranceReason: 'float32 sum of topk positive terms, one division of 2.5 ulp and one product',
  saves: ['scores', 'topk_indices'],
  vjp({ saved, attrs }, { topk_weights: dw }) {
    return { now: dw ? { scores: dw.device.run(moe_weights_bwd, { dw, ...saved }, attrs).dscores } : {} }
  },
})

/** scores [T, E], topkIndices [T, topk] i32 -> [T, topk]. */
export function moeWeights(scores: Tensor, topkIndices: Tensor, attrs: MoeWeightsAttrs): Tensor {
  return scores.device.run(moe_weights, { scores, topk_indices: topkIndices }, attrs).topk_weights
}
