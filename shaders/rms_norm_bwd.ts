import { ceilDiv, f32, u32, workgroups1d, type WgslKernel } from '../src/core/kernel.ts'
import { summedItems } from './summed_items.ts'
import { rowText } from './rms_norm.ts'
import { rmsNormBwdWgsl } from './rms_norm_bwd.wgsl.ts'

const texts = new Map<number, string>()

export const rms_norm_bwd: WgslKernel = {
  op: 'rms_norm_bwd',
  launch({ specs: { x } }) {
    const [T, H] = x.shape
    const { wgsl, per } = summedItems(rowText(texts, rmsNormBwdWgsl, H), H)
    return [{
      wgsl, entry: 'rms_norm_bwd', bindings: ['dy', 'x', 'w', 'rstd', 'dx'],
      uniforms: [u32(T), u32(H / per), f32(H)], workgroups: workgroups1d(ceilDiv(T, 64)),
    }]
  },
}
