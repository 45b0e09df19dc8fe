import { ceilDiv, scratch, u32, type WgslKernel } from '../src/core/kernel.ts'
import { items } from './items.ts'
import { sumRows } from './sum_rows.ts'
import text from './rms_norm_bwd_w.wgsl'

export const rms_norm_bwd_w: WgslKernel = {
  op: 'rms_norm_bwd_w',
  launch({ specs: { x } }) {
    const [T, H] = x.shape
    const { wgsl, per } = items(text, H)
    const blocks = ceilDiv(T, 64)
    const partial = scratch('partial', blocks * H * 4)
    return [
      { wgsl, entry: 'rms_norm_bwd_w', bindings: ['dy', 'x', 'rstd', partial], uniforms: [u32(T), u32(H / per)], workgroups: [ceilDiv(H / per, 64), Math.min(blocks, 65535), 1] },
      sumRows(partial, 'dw', blocks, H),
    ]
  },
}
