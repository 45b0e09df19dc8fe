import { u32, type PtxKernel } from '../src/core/kernel.ts'
import { elementwise } from './elementwise.ts'
import text from './slice.ptx'

export const slice: PtxKernel<{ start: number; len: number }> = {
  op: 'slice',
  launch({ specs: { x }, attrs: { start, len } }) {
    const [T, D] = x.shape
    return elementwise(text, 'slice', ['x', 'y', u32(T * len), u32(D), u32(start), u32(len)], T * len)
  },
}
