import { ceilDiv, u32, workgroups1d, type WgslKernel } from '../src/core/kernel.ts'
import { items } from './items.ts'
import text from './slice.wgsl'

export const slice: WgslKernel<{ start: number; len: number }> = {
  op: 'slice',
  launch({ specs: { x }, attrs: { start, len } }) {
    const [T, D] = x.shape
    const { wgsl, per } = items(text, D, start, len)
    const N = (T * len) / per
    return [{
      wgsl, entry: 'slice', bindings: ['x', 'y'], uniforms: [u32(N), u32(D / per), u32(start / per), u32(len / per)], workgroups: workgroups1d(ceilDiv(N, 64)),
    }]
  },
}
