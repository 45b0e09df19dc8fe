import { u32, type PtxKernel } from '../src/core/kernel.ts'
import { elementwise } from './elementwise.ts'
import text from './concat.ptx'

export const concat: PtxKernel = {
  op: 'concat',
  launch({ specs: { x, y } }) {
    const [T, A] = x.shape
    const B = y.shape[1]
    return elementwise(text, 'concat', ['x', 'y', 'z', u32(T * (A + B)), u32(A), u32(B)], T * (A + B))
  },
}
