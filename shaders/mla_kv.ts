import { ceilDiv, u32, workgroups1d, type WgslKernel } from '../src/core/kernel.ts'
import { items } from './items.ts'
import text from './mla_kv.wgsl'

export const mla_kv: WgslKernel<{ nope: number }> = {
  op: 'mla_kv',
  launch({ specs: { k, v }, attrs: { nope } }) {
    const [T, n, D] = k.shape
    const Dv = v.shape[2]
    const { wgsl, per } = items(text, D, nope, Dv)
    const N = T * n
    return [{
      wgsl, entry: 'mla_kv', bindings: ['kv', 'k_rope', 'k', 'v'],
      uniforms: [u32(N), u32(n), u32(nope / per), u32((D - nope) / per), u32(Dv / per)], workgroups: workgroups1d(ceilDiv(N, 64)),
    }]
  },
}
