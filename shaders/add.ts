import { ceilDiv, u32, workgroups1d, type WgslKernel } from '../src/core/kernel.ts'
import { numElements } from '../src/core/shape.ts'
import wgsl from './add.wgsl'

export const add: WgslKernel = {
  op: 'add',
  launch({ specs: { x } }) {
    const N = numElements(x.shape)
    return [{ wgsl, entry: 'add', bindings: ['x', 'y', 'z'], uniforms: [u32(N)], workgroups: workgroups1d(ceilDiv(N, 256)) }]
  },
}
