import { u32, type PtxKernel } from '../src/core/kernel.ts'
import { elementwise } from './elementwise.ts'
import text from './mla_kv.ptx'

export const mla_kv: PtxKernel<{ nope: number }> = {
  op: 'mla_kv',
  launch({ specs: { k, v }, attrs: { nope } }) {
    const [T, n, D] = k.shape
    const Dv = v.shape[2]
    const N = T * n * (D + Dv)
    return elementwise(text, 'mla_kv', ['kv', 'k_rope', 'k', 'v', u32(N), u32(n), u32(nope), u32(D - nope), u32(Dv)], N)
  },
}
