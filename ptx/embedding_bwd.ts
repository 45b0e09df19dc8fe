import { u32, type PtxKernel } from '../src/core/kernel.ts'
import { elementwise } from './elementwise.ts'
import text from './embedding_bwd.ptx'

export const embedding_bwd: PtxKernel = {
  op: 'embedding_bwd',
  launch({ specs: { dw } }) {
    const [V, H] = dw.shape
    return elementwise(text, 'embedding_bwd', ['dy', 'order', 'offsets', 'dw', u32(V * H), u32(H)], V * H)
  },
}
