// attention_bwd: ds = p * (dout v^T - sum(dout * o)), p = exp(scale * q k^T - lse); dq = scale * ds k, dk = scale * ds^T q, dv = p^T dout.
import { defineOp, type Specs } from '../core/op.ts'
import { need, sameShape, show, spec } from '../core/shape.ts'

export interface AttentionAttrs {
  readonly [key: string]: number
  /** Rows of one sequence; T is a multiple of it. */
  readonly seqLen: number
  readonly scale: number
}

/** Shape check of q, k and v, shared with attention. */
export function needQkv(op: string, { q, k, v }: Specs, { seqLen }: AttentionAttrs): void {
  need(q.shape.length === 3 && q.dtype === 'f32', op, 'q', q, '[T, n, D] f32')
  const [T, n] = q.shape
  need(Number.isInteger(seqLen) && seqLen > 0 && T % seqLen === 0, op, 'q', q, `T % ${seqLen} == 0 (seqLen)`)
  need(sameShape(k.shape, q.shape) && k.dtype === 'f32', op, 'k', k, show(q))
  need(v.shape.length === 3 && v.shape[0] === T && v.shape[1] === n && v.dtype === 'f32', op, 'v', v, `[${T}, ${n}, Dv] f32`)
}

export const attention_bwd = defineOp<AttentionAttrs>({
  name: 'attention_bwd',
  args: [['dout', 'in'], ['q', 'in'], ['k', 'in'], ['v', 'in'], ['o', 'in'], ['lse', 'in'], ['dq', 'out'], ['dk', 'out'], ['dv', 'out']],
  infer(x, attrs) {
    needQkv('attention_bwd', x, attrs)
    const { dout, q, k, v, o, lse } = x
    need(sameShape(dout.shape, v.shape) && dout.dtype === 'f32', 'attention_bwd', 'dout', dout, show(v))
    need(sameShape(o.shape, v.shape) && o.dtype === 'f32', 'attention_bwd', 'o', o, show(v))
    need(lse.shape.length === 2 && lse.shape[0] === q.shape[0] && lse.shape[1] === q.shape[1], 'attention_bwd', 'lse', lse, `[${q.shape[0]}, ${q.shape[1]}] f32`)
    return { dq: spec('f32', q.shape), dk: spec('f32', k.shape), dv: spec('f32', v.shape) }
  },
  reference({ dout, q, k, v, o, lse, dq, dk, dv }, { seqLen, scale }) {
    const [T, n, D] = q.shape
    const Dv = v.shape[2]
    // Sums in float64, whatever the outputs are.
    const dqSum = new Float64Array(q.data.length), dkSum = new Float64Array(k.data.length), dvSum = new Float64Array(v.data.length)
    for (let t = 0; t < T; t++) {
      for (let h = 0; h < n; h++) {
        const qAt = (t * n + h) * D, oAt = (t * n + h) * Dv
        let delta = 0
        for (let d = 0; d < Dv; d++) delta += dout.data[oAt + d] * o.data[oAt + d]
        for (let s = t - (t % seqLen); s <= t; s++) {
          const kAt = (s * n + h) * D, vAt = (s * n + h) * Dv
          let dot = 0, dp = 0
          for (let d = 0; d < D; d++) dot += q.data[qAt + d] * k.data[kAt + d]
          for (let d = 0; d < Dv; d++) dp += dout.data[oAt + d] * v.data[vAt + d]
          const p = Math.exp(scale * dot - lse.data[t * n + h])
          const ds = scale * p * (dp - delta)
          for (let d = 0; d < Dv; d++) dvSum[vAt + d] += p * dout.data[oAt + d]
          for (let d = 0; d < D; d++) {
            dqSum[qAt + d] += ds * k.data[kAt + d]
            dkSum[kAt + d] += ds * q.data[qAt + d]
          }
        }
      }
    }
    dq.data.set(dqSum)
    dk.data.set(dkSum)
    dv.data.set(dvSum)
  },
  tolerance: ({ q, v }, { scale, seqLen }) => 1e-6 * (4 + Math.abs(scale) * q.shape[2] + Math.sqrt(v.shape[2]) + Math.log2(seqLen)),
  toleranceReason: 'as attention, and the difference of dout v^T and its mean, two float32 dot products, in every term of the sums',
  flops: ({ q, v }, { seqLen }) => q.shape[0] * q.shape[1] * (seqLen + 1) * (3 * q.shape[2] + 2 * v.shape[2]),
})
