import { u32, type PtxKernel } from '../src/core/kernel.ts'
import { elementwise } from './elementwise.ts'
import text from './slice_bwd.ptx'

export const slice_bwd: PtxKernel<{ start: number; width: number }> = {
  op: 'slice_bwd',
  launch({ specs: { dy }, attrs: { start, width } }) {
    const [T, len] = dy.shape
    return elementwise(text, 'slice_bwd', ['dy', 'dx', u32(T * width), u32(width), u32(start), u32(len)], T * width)
  },
}
