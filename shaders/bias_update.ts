import { ceilDiv, f32, u32, type WgslKernel } from '../src/core/kernel.ts'
import type { BiasUpdateAttrs } from '../src/ops/bias_update.ts'
import wgsl from './bias_update.wgsl'

export const bias_update: WgslKernel<BiasUpdateAttrs> = {
  op: 'bias_update',
  launch({ specs: { bias }, attrs: { gamma } }) {
    const [E] = bias.shape
    return [{ wgsl, entry: 'bias_update', bindings: ['bias', 'load'], uniforms: [u32(E), f32(gamma)], workgroups: [ceilDiv(E, 64), 1, 1] }]
  },
}
