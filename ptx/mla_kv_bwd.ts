import { u32, type PtxKernel } from '../src/core/kernel.ts'
import { elementwise } from './elementwise.ts'
import text from './mla_kv_bwd.ptx'

export const mla_kv_bwd: PtxKernel<{ nope: number }> = {
  op: 'mla_kv_bwd',
  launch({ specs: { dk, dv }, attrs: { nope } }) {
    const [T, n, D] = dk.shape
    const Dv = dv.shape[2]
    const R = D - nope
    const [N, NR] = [T * n * (nope + Dv), T * R]
    return elementwise(text, 'mla_kv_bwd', ['dk', 'dv', 'dkv', 'dk_rope', u32(N), u32(NR), u32(n), u32(nope), u32(R), u32(Dv)], N + NR)
  },
}
