// mla_kv_bwd: dkv = [dk's first `nope` dims; dv] per head, dk_rope = sum over heads of dk's other dims.
import { defineOp } from '../core/op.ts'
import { need, spec } from '../core/shape.ts'

export interface MlaKvBwdAttrs { readonly [key: string]: number; readonly nope: number }

export const mla_kv_bwd = defineOp<MlaKvBwdAttrs>({
  name: 'mla_kv_bwd',
  args: [['dk', 'in'], ['dv', 'in'], ['dkv', 'out'], ['dk_rope', 'out']],
  infer({ dk, dv }, { nope }) {
    need(dk.shape.length === 3 && dk.shape[2] >= nope && dk.dtype === 'f32', 'mla_kv_bwd', 'dk', dk, `[T, n, ${nope} + R] f32`)
    const [T, n, D] = dk.shape
    need(dv.shape.length === 3 && dv.shape[0] === T && dv.shape[1] === n && dv.dtype === 'f32', 'mla_kv_bwd', 'dv', dv, `[${T}, ${n}, Dv] f32`)
    return { dkv: spec('f32', [T, n * (nope + dv.shape[2])]), dk_rope: spec('f32', [T, D - nope]) }
  },
  reference({ dk, dv, dkv, dk_rope }, { nope }) {
    const [T, n, D] = dk.shape
    const Dv = dv.shape[2]
    const R = D - nope
    for (let t = 0; t < T; t++) {
      for (let d = 0; d < R; d++) {
        let sum = 0
        for (let h = 0; h < n; h++) sum += dk.data[(t * n + h) * D + nope + d]
        dk_rope.data[t * R + d] = sum
      }
      for (let h = 0; h < n; h++) {
        const head = t * n + h
        const to = head * (nope + Dv)
        for (let d = 0; d < nope; d++) dkv.data[to + d] = dk.data[head * D + d]
        for (let d = 0; d < Dv; d++) dkv.data[to + nope + d] = dv.data[head * Dv + d]
      }
    }
  },
  tolerance: ({ dk }, _, output) => output === 'dkv' ? 0 : 1.2e-7 * Math.max(4, Math.sqrt(dk.shape[1])),
  toleranceReason: 'dkv is copied; dk_rope is a float32 sum over the heads, terms of both signs cancel',
})
