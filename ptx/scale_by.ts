import { f32, u32, type PtxKernel } from '../src/core/kernel.ts'
import { numElements } from '../src/core/shape.ts'
import { elementwise } from './elementwise.ts'
import text from './scale_by.ptx'

export const scale_by: PtxKernel<{ factor: number }> = {
  op: 'scale_by',
  launch({ specs: { x }, attrs: { factor } }) {
    const N = numElements(x.shape)
    return elementwise(text, 'scale_by', ['x', 'y', u32(N), f32(factor)], N)
  },
}
