import { ceilDiv, u32, workgroups1d, type WgslKernel } from '../src/core/kernel.ts'
import { items } from './items.ts'
import text from './swiglu.wgsl'

export const swiglu: WgslKernel = {
  op: 'swiglu',
  launch({ specs: { y } }) {
    const { wgsl, per } = items(text, y.shape[1])
    const [T, F] = [y.shape[0], y.shape[1] / per]
    return [{ wgsl, entry: 'swiglu', bindings: ['h', 'y'], uniforms: [u32(T * F), u32(F)], workgroups: workgroups1d(ceilDiv(T * F, 64)) }]
  },
}
