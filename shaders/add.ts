import { ceilDiv, u32, workgroups1d, type WgslKernel } from '../src/core/kernel.ts'
import { numElements } from '../src/core/shape.ts'
import { items } from './items.ts'
import text from './add.wgsl'

export const add: WgslKernel = {
  op: 'add',
  launch({ specs: { x } }) {
    const { wgsl, per } = items(text, numElements(x.shape))
    const N = numElements(x.shape) / per
    return [{ wgsl, entry: 'add', bindings: ['x', 'y', 'z'], uniforms: [u32(N)], workgroups: workgroups1d(ceilDiv(N, 64)) }]
  },
}
