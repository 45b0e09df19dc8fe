import { ceilDiv, u32, workgroups1d, type WgslKernel } from '../src/core/kernel.ts'
import { items } from './items.ts'
import text from './mla_kv_bwd.wgsl'

export const mla_kv_bwd: WgslKernel<{ nope: number }> = {
  op: 'mla_kv_bwd',
  launch({ specs: { dk, dv }, attrs: { nope } }) {
    const [T, n, D] = dk.shape
    const Dv = dv.shape[2]
    const { wgsl, per } = items(text, D, nope, Dv)
    const N = T * n
    return [{
      wgsl, entry: 'mla_kv_bwd', bindings: ['dk', 'dv', 'dkv', 'dk_rope'],
      uniforms: [u32(N), u32(n), u32(nope / per), u32((D - nope) / per), u32(Dv / per)], workgroups: workgroups1d(ceilDiv(N, 64)),
    }]
  },
}
