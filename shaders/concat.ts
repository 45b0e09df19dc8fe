import { ceilDiv, u32, workgroups1d, type WgslKernel } from '../src/core/kernel.ts'
import wgsl from './concat.wgsl'

export const concat: WgslKernel = {
  op: 'concat',
  launch({ specs: { x, y } }) {
    const [T, A] = x.shape
    const B = y.shape[1]
    return [{
      wgsl, entry: 'concat', bindings: ['x', 'y', 'z'], uniforms: [u32(T * (A + B)), u32(A), u32(B)], workgroups: workgroups1d(ceilDiv(T * (A + B), 64)),
    }]
  },
}
