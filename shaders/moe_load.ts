import { ceilDiv, u32, type WgslKernel } from '../src/core/kernel.ts'
import wgsl from './moe_load.wgsl'

export const moe_load: WgslKernel = {
  op: 'moe_load',
  launch({ specs: { load } }) {
    const [E] = load.shape
    return [{ wgsl, entry: 'moe_load', bindings: ['counts', 'load'], uniforms: [u32(E)], workgroups: [ceilDiv(E, 64), 1, 1] }]
  },
}
