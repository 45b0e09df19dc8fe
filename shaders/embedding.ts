import { ceilDiv, u32, workgroups1d, type WgslKernel } from '../src/core/kernel.ts'
import wgsl from './embedding.wgsl'

export const embedding: WgslKernel = {
  op: 'embedding',
  launch({ specs: { ids, w } }) {
    const [T] = ids.shape
    const [V, H] = w.shape
    return [{ wgsl, entry: 'embedding', bindings: ['ids', 'w', 'x'], uniforms: [u32(T), u32(H), u32(V)], workgroups: workgroups1d(ceilDiv(T * H, 256)) }]
  },
}
