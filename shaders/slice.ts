import { ceilDiv, u32, workgroups1d, type WgslKernel } from '../src/core/kernel.ts'
import wgsl from './slice.wgsl'

export const slice: WgslKernel<{ start: number; len: number }> = {
  op: 'slice',
  launch({ specs: { x }, attrs: { start, len } }) {
    const [T, D] = x.shape
    return [{
      wgsl, entry: 'slice', bindings: ['x', 'y'], uniforms: [u32(T * len), u32(D), u32(start), u32(len)], workgroups: workgroups1d(ceilDiv(T * len, 64)),
    }]
  },
}
