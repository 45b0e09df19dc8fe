import { ceilDiv, u32, workgroups1d, type WgslKernel } from '../src/core/kernel.ts'
import wgsl from './swiglu.wgsl'

export const swiglu: WgslKernel = {
  op: 'swiglu',
  launch({ specs: { y } }) {
    const [T, F] = y.shape
    return [{ wgsl, entry: 'swiglu', bindings: ['h', 'y'], uniforms: [u32(T * F), u32(F)], workgroups: workgroups1d(ceilDiv(T * F, 64)) }]
  },
}
