import { ceilDiv, f32, u32, workgroups1d, type WgslKernel } from '../src/core/kernel.ts'
import { numElements } from '../src/core/shape.ts'
import { items } from './items.ts'
import text from './scale_by.wgsl'

export const scale_by: WgslKernel<{ factor: number }> = {
  op: 'scale_by',
  launch({ specs: { x }, attrs: { factor } }) {
    const { wgsl, per } = items(text, numElements(x.shape))
    const N = numElements(x.shape) / per
    return [{ wgsl, entry: 'scale_by', bindings: ['x', 'y'], uniforms: [u32(N), f32(factor)], workgroups: workgroups1d(ceilDiv(N, 64)) }]
  },
}
