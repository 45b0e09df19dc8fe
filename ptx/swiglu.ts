import { u32, type PtxKernel } from '../src/core/kernel.ts'
import { elementwise } from './elementwise.ts'
import text from './swiglu.ptx'

export const swiglu: PtxKernel = {
  op: 'swiglu',
  launch({ specs: { y } }) {
    const [T, F] = y.shape
    return elementwise(text, 'swiglu', ['h', 'y', u32(T * F), u32(F)], T * F)
  },
}
