import { ceilDiv, f32, u32, workgroups1d, type WgslKernel } from '../src/core/kernel.ts'
import { summedItems } from './summed_items.ts'
import text from './rms_norm.wgsl'

export const rms_norm: WgslKernel<{ eps: number }> = {
  op: 'rms_norm',
  launch({ specs: { x }, attrs: { eps } }) {
    const [T, H] = x.shape
    const { wgsl, per } = summedItems(text, H)
    return [{
      wgsl, entry: 'rms_norm', bindings: ['x', 'w', 'y', 'rstd'],
      uniforms: [u32(T), u32(H / per), f32(H), f32(eps)], workgroups: workgroups1d(ceilDiv(T, 64)),
    }]
  },
}
