import { u32, type PtxKernel } from '../src/core/kernel.ts'
import { elementwise } from './elementwise.ts'
import text from './swiglu_bwd.ptx'

export const swiglu_bwd: PtxKernel = {
  op: 'swiglu_bwd',
  launch({ specs: { dy } }) {
    const [T, F] = dy.shape
    return elementwise(text, 'swiglu_bwd', ['dy', 'h', 'dh', u32(T * F), u32(F)], T * F)
  },
}
