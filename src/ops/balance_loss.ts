// balance_loss: loss = mean over sequences of alpha * sum over e of f[e] P[e]; f[e] = E / (topk S) * times e was chosen,
// P[e] = mean over tokens of score[e] / sum of the token's scores; dscores is its gradient. [deepseek-v3.md §1.4, eq. 17-20]
// f counts the choices really made (bias and group limit in force) and is constant for the gradient.
import { defineOp } from '../core/op.ts'
import { need, spec } from '../core/shape.ts'
import type { Tensor } from '../core/tensor.ts'

export type BalanceLossAttrs = { readonly seqLen: number; readonly alpha: number }

export const balance_loss = defineOp<BalanceLossAttrs>({
  name: 'balance_loss',
  args: [['scores', 'in'], ['topk_indices', 'in'], ['loss', 'out'], ['dscores', 'out']],
  infer({ scores, topk_indices }, { seqLen }) {
    need(scores.shape.length === 2 && scores.dtype === 'f32', 'balance_loss', 'scores', scores, '[T, E] f32')
    const T = scores.shape[0]
    need(seqLen >= 1 && T > 0 && T % seqLen === 0, 'balance_loss', 'scores', scores, `T divisible by seqLen = ${seqLen}`)
    need(topk_indices.shape.length === 2 && topk_indices.shape[0] === T && topk_indices.dtype === 'i32', 'balance_loss', 'topk_indices', topk_indices, `[${T}, topk] i32`)
    return { loss: spec('f32', [1]), dscores: spec('f32', scores.shape) }
  },
  reference({ scores, topk_indices, loss, dscores }, { seqLen, alpha }) {
    const [T, E] = scores.shape
    const topk = topk_indices.shape[1]
    const sequences = T / seqLen
    const s = scores.data
    let total = 0
    for (let b = 0; b < sequences; b++) {
      const f = new Float64Array(E)
      for (let i = b * seqLen * topk; i < (b + 1) * seqLen * topk; i++) {
        const e = topk_indices.data[i]
        if (e >= 0 && e < E) f[e] += E / (topk * seqLen)
      }
      for (let t = b * seqLen; t < (b + 1) * seqLen; t++) {
        let sum = 0
        let dot = 0
        for (let e = 0; e < E; e++) {
          sum += s[t * E + e]
          dot += f[e] * s[t * E + e]
        }
        // sum over e of f[e] p[e], p = s / sum; a token whose scores are all zero counts for nothing.
        const mean = sum === 0 ? 0 : dot / sum
        const factor = sum === 0 ? 0 : alpha / (sequences * seqLen * sum)
        total += mean
        for (let e = 0; e < E; e++) dscores.data[t * E + e] = factor * (f[e] - mean)
      }
    }
    loss.data[0] = (alpha * total) / T
  },
  tolerance: ({ scores }, _, output) => (output === 'loss' ? 4e-7 : 1e-6) * Math.max(4, Math.log2(scores.shape[1])),
  toleranceReason: 'float32 sums of positive terms in blocks of 64, two divisions; dscores is a difference of terms no larger than its largest value times a few',
  saves: ['dscores'],
  vjp({ saved: { dscores } }, { loss }) {
    if (loss) throw new Error('balance_loss: the loss must be a root of backward (its gradient is one), but it was used in another op')
    return { now: { scores: dscores } }
  },
})

/** scores [T, E], topkIndices [T, topk] i32 -> loss [1], a root for backward. T = sequences * seqLen. */
export function balanceLoss(scores: Tensor, topkIndices: Tensor, attrs: BalanceLossAttrs): Tensor {
  return scores.device.run(balance_loss, { scores, topk_indices: topkIndices }, attrs).loss
}
