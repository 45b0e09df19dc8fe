import type { CaseRandom, HostTensor, OpCase } from '../core/op.ts'
import { attention } from './attention.ts'

/** Sequences, seqLen, heads, D, Dv. */
const shapes: [number, number, number, number, number, boolean?][] = [
  [1, 1, 1, 1, 1], [3, 1, 2, 4, 2], [1, 5, 1, 3, 2], [2, 7, 3, 6, 5], [2, 31, 2, 24, 16], [1, 32, 2, 24, 16], [2, 33, 1, 24, 16], [2, 64, 4, 24, 16],
  [1, 65, 2, 64, 64], [3, 4, 1, 66, 65], [1, 130, 1, 192, 128], [2, 256, 4, 24, 16, true], [1, 4096, 1, 8, 4, true], [1, 512, 2, 192, 128, true],
]

const qkv = (r: CaseRandom, B: number, S: number, n: number, D: number, Dv: number, std = 1) =>
  ({ q: r.normal([B * S, n, D], std), k: r.normal([B * S, n, D], std), v: r.normal([B * S, n, Dv], std) })

export const attention_cases: OpCase[] = [
  ...shapes.map(([B, S, n, D, Dv, slow]): OpCase => ({
    name: `${B} x [${S}, ${n}, ${D}] f32, value ${Dv}`, slow, attrs: { seqLen: S, scale: 1 / Math.sqrt(D) }, inputs: (r) => qkv(r, B, S, n, D, Dv),
  })),
  { name: '1 x [40, 2, 24] f32, value 16, large', attrs: { seqLen: 40, scale: 1 / Math.sqrt(24) }, inputs: (r) => qkv(r, 1, 40, 2, 24, 16, 4) },
]

/** The forward's own o and lse: the backward is meant for them only. */
function withForward(x: Record<string, HostTensor>, attrs: { seqLen: number; scale: number }, r: CaseRandom): Record<string, HostTensor> {
  const { q, v } = x
  const o: HostTensor = { dtype: 'f32', shape: v.shape, data: new Float32Array(v.data.length) }
  const lse: HostTensor = { dtype: 'f32', shape: [q.shape[0], q.shape[1]], data: new Float32Array(q.shape[0] * q.shape[1]) }
  attention.reference({ ...x, o, lse }, attrs)
  return { dout: r.normal(v.shape), ...x, o, lse }
}

export const attention_bwd_cases: OpCase[] = shapes.map(([B, S, n, D, Dv, slow]): OpCase => {
  const attrs = { seqLen: S, scale: 1 / Math.sqrt(D) }
  return { name: `${B} x [${S}, ${n}, ${D}] f32, value ${Dv}`, slow, attrs, inputs: (r) => withForward(qkv(r, B, S, n, D, Dv), attrs, r) }
})
