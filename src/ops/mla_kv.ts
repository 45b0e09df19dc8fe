// mla_kv: k = [kv's first `nope` dims of a head; k_rope, shared by the heads], v = the rest of the head. [deepseek-v3.md §1.2]
import { defineOp } from '../core/op.ts'
import { need, spec } from '../core/shape.ts'
import type { Tensor } from '../core/tensor.ts'
import { mla_kv_bwd } from './mla_kv_bwd.ts'

export interface MlaKvAttrs {
  readonly [key: string]: number
  readonly heads: number
  /** Dims of k that are not turned by rope. */
  readonly nope: number
  readonly valueDim: number
}

export const mla_kv = defineOp<MlaKvAttrs>({
  name: 'mla_kv',
  args: [['kv', 'in'], ['k_rope', 'in'], ['k', 'out'], ['v', 'out']],
  infer({ kv, k_rope }, { heads, nope, valueDim }) {
    const width = heads * (nope + valueDim)
    need(kv.shape.length === 2 && kv.shape[1] === width && kv.dtype === 'f32', 'mla_kv', 'kv', kv, `[T, ${heads} * (${nope} + ${valueDim})] f32`)
    need(k_rope.shape.length === 2 && k_rope.shape[0] === kv.shape[0] && k_rope.dtype === 'f32', 'mla_kv', 'k_rope', k_rope, `[${kv.shape[0]}, R] f32`)
    const T = kv.shape[0]
    return { k: spec('f32', [T, heads, nope + k_rope.shape[1]]), v: spec('f32', [T, heads, valueDim]) }
  },
  reference({ kv, k_rope, k, v }, { nope, valueDim }) {
    const [T, n, D] = k.shape
    const R = D - nope
    for (let t = 0; t < T; t++) {
      for (let h = 0; h < n; h++) {
        const head = t * n + h
        const from = head * (nope + valueDim)
        for (let d = 0; d < nope; d++) k.data[head * D + d] = kv.data[from + d]
        for (let d = 0; d < R; d++) k.data[head * D + nope + d] = k_rope.data[t * R + d]
        for (let d = 0; d < valueDim; d++) v.data[head * valueDim + d] = kv.data[from + nope + d]
      }
    }
  },
  tolerance: () => 0,
  toleranceReason: 'copies',
  vjp({ specs, attrs }, { k: dk, v: dv }) {
    const device = (dk ?? dv)?.device
    if (!device) return { now: {} }
    const g = device.run(mla_kv_bwd, { dk: dk ?? device.zeros('f32', specs.k.shape), dv: dv ?? device.zeros('f32', specs.v.shape) }, { nope: attrs.nope })
    return { now: { kv: g.dkv, k_rope: g.dk_rope } }
  },
})

/** kv [T, n * (nope + valueDim)], kRope [T, R] -> k [T, n, nope + R], v [T, n, valueDim]. */
export function mlaKv(kv: Tensor, kRope: Tensor, attrs: MlaKvAttrs): { k: Tensor; v: Tensor } {
  const { k, v } = kv.device.run(mla_kv, { kv, k_rope: kRope }, attrs)
  return { k, v }
}
