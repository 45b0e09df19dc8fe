import { ceilDiv, u32, workgroups1d, type WgslKernel } from '../src/core/kernel.ts'
import wgsl from './slice_bwd.wgsl'

export const slice_bwd: WgslKernel<{ start: number; width: number }> = {
  op: 'slice_bwd',
  launch({ specs: { dy }, attrs: { start, width } }) {
    const [T, len] = dy.shape
    return [{
      wgsl, entry: 'slice_bwd', bindings: ['dy', 'dx'], uniforms: [u32(T * width), u32(width), u32(start), u32(len)],
      workgroups: workgroups1d(ceilDiv(T * width, 64)),
    }]
  },
}
