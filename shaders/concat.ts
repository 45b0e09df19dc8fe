import { ceilDiv, u32, workgroups1d, type WgslKernel } from '../src/core/kernel.ts'
import { items } from './items.ts'
import text from './concat.wgsl'

export const concat: WgslKernel = {
  op: 'concat',
  launch({ specs: { x, y } }) {
    const [T, A] = x.shape
    const B = y.shape[1]
    const { wgsl, per } = items(text, A, B)
    const N = (T * (A + B)) / per
    return [{
      wgsl, entry: 'concat', bindings: ['x', 'y', 'z'], uniforms: [u32(N), u32(A / per), u32(B / per)], workgroups: workgroups1d(ceilDiv(N, 64)),
    }]
  },
}
