import { ceilDiv, u32, workgroups1d, type WgslKernel } from '../src/core/kernel.ts'
import wgsl from './embedding_bwd.wgsl'

export const embedding_bwd: WgslKernel = {
  op: 'embedding_bwd',
  launch({ specs: { dw } }) {
    const [V, H] = dw.shape
    return [{ wgsl, entry: 'embedding_bwd', bindings: ['dy', 'order', 'offsets', 'dw'], uniforms: [u32(H), u32(V)], workgroups: workgroups1d(ceilDiv(V * H, 256)) }]
  },
}
