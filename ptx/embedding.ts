import { u32, type PtxKernel } from '../src/core/kernel.ts'
import { elementwise } from './elementwise.ts'
import text from './embedding.ptx'

export const embedding: PtxKernel = {
  op: 'embedding',
  launch({ specs: { w, x } }) {
    const [T, H] = x.shape
    return elementwise(text, 'embedding', ['ids', 'w', 'x', u32(T * H), u32(w.shape[0]), u32(H)], T * H)
  },
}
