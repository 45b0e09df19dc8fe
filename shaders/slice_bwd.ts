import { ceilDiv, u32, workgroups1d, type WgslKernel } from '../src/core/kernel.ts'
import { items } from './items.ts'
import text from './slice_bwd.wgsl'

export const slice_bwd: WgslKernel<{ start: number; width: number }> = {
  op: 'slice_bwd',
  launch({ specs: { dy }, attrs: { start, width } }) {
    const [T, len] = dy.shape
    const { wgsl, per } = items(text, width, start, len)
    const N = (T * width) / per
    return [{
      wgsl, entry: 'slice_bwd', bindings: ['dy', 'dx'], uniforms: [u32(N), u32(width / per), u32(start / per), u32(len / per)],
      workgroups: workgroups1d(ceilDiv(N, 64)),
    }]
  },
}
