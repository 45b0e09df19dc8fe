import { ceilDiv, u32, workgroups1d, type WgslKernel } from '../src/core/kernel.ts'
import { items } from './items.ts'
import text from './swiglu_bwd.wgsl'

export const swiglu_bwd: WgslKernel = {
  op: 'swiglu_bwd',
  launch({ specs: { dy } }) {
    const { wgsl, per } = items(text, dy.shape[1])
    const [T, F] = [dy.shape[0], dy.shape[1] / per]
    return [{ wgsl, entry: 'swiglu_bwd', bindings: ['dy', 'h', 'dh'], uniforms: [u32(T * F), u32(F)], workgroups: workgroups1d(ceilDiv(T * F, 64)) }]
  },
}
