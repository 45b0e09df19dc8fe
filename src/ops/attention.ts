// attention: o = softmax(scale * q k^T, causal within sequences of seqLen rows) v per head, lse = log sum exp. [deepseek-v3.md §1.2]
import { defineOp } from '../core/op.ts'
import { spec } from '../core/shape.ts'
import type { Tensor } from '../core/tensor.ts'
import { attention_bwd, needQkv, type AttentionAttrs } from './attention_bwd.ts'

export const attention = defineOp<AttentionAttrs>({
  name: 'attention',
  args: [['q', 'in'], ['k', 'in'], ['v', 'in'], ['o', 'out'], ['lse', 'out']],
  infer(x, attrs) {
    needQkv('attention', x, attrs)
    return { o: spec('f32', x.v.shape), lse: spec('f32', [x.q.shape[0], x.q.shape[1]]) }
  },
  reference({ q, k, v, o, lse }, { seqLen, scale }) {
    const [T, n, D] = q.shape
    const Dv = v.shape[2]
    const p = new Float64Array(seqLen)
    for (let t = 0; t < T; t++) {
      const first = t - (t % seqLen)
      for (let h = 0; h < n; h++) {
        const qAt = (t * n + h) * D
        let max = -Infinity
        for (let s = first; s <= t; s++) {
          const kAt = (s * n + h) * D
          let dot = 0
          for (let d = 0; d < D; d++) dot += q.data[qAt + d] * k.data[kAt + d]
          p[s - first] = scale * dot
          max = Math.max(max, scale * dot)
        }
        let sum = 0
        for (let s = first; s <= t; s++) sum += p[s - first] = Math.exp(p[s - first] - max)
        lse.data[t * n + h] = max + Math.log(sum)
        for (let d = 0; d < Dv; d++) {
          let y = 0
          for (let s = first; s <= t; s++) y += p[s - first] * v.data[(s * n + h) * Dv + d]
          o.data[(t * n + h) * Dv + d] = y / sum
        }
      }
    }
  },
  tolerance: ({ q, k }, { scale, seqLen }) => {
    // Unit normal q and k assumed: a score has a spread of scale * sqrt(D), and its float32 error enters the exponent.
    const D = q.shape[2]
    return 5e-7 * (4 + Math.abs(scale) * D + Math.log2(Math.min(seqLen, k.shape[0])))
  },
  toleranceReason: 'float32 dot products of D terms; their absolute error is a relative error of exp; then a sum over the keys',
  flops: ({ q, v }, { seqLen }) => q.shape[0] * q.shape[1] * (seqLen + 1) * (q.shape[2] + v.shape[2]),
  saves: ['q', 'k', 'v', 'o', 'lse'],
  vjp({ saved: { q, k, v, o, lse }, attrs }, { o: dout }) {
    if (!dout) return { now: {} }
    const { dq, dk, dv } = q.device.run(attention_bwd, { dout, q, k, v, o, lse }, attrs)
    return { now: { q: dq, k: dk, v: dv } }
  },
})

/** q, k [T, n, D], v [T, n, Dv], T = sequences * seqLen -> [T, n, Dv]. */
export function attentionOf(q: Tensor, k: Tensor, v: Tensor, attrs: AttentionAttrs): Tensor {
  return q.device.run(attention, { q, k, v }, attrs).o
}
