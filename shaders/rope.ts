import { ceilDiv, f32, u32, workgroups1d, type WgslKernel } from '../src/core/kernel.ts'
import wgsl from './rope.wgsl'

export const rope: WgslKernel<{ inverse: boolean; position: number }> = {
  op: 'rope',
  launch({ specs: { x, cos }, attrs: { inverse, position } }) {
    const [T, n, D] = x.shape
    const [S, half] = cos.shape
    return [{
      wgsl, entry: 'rope', bindings: ['x', 'cos', 'sin', 'y'],
      uniforms: [u32(T * n * D), u32(n), u32(D), u32(S), u32(half), u32(position % S), f32(inverse ? -1 : 1)],
      workgroups: workgroups1d(ceilDiv(T * n * D, 64)),
    }]
  },
}
