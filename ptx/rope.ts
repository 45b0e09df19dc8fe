import { f32, u32, type PtxKernel } from '../src/core/kernel.ts'
import { elementwise } from './elementwise.ts'
import text from './rope.ptx'

export const rope: PtxKernel<{ inverse: boolean; position: number }> = {
  op: 'rope',
  launch({ specs: { x, cos }, attrs: { inverse, position } }) {
    const [T, n, D] = x.shape
    const [S, half] = cos.shape
    const N = T * n * D
    return elementwise(text, 'rope', ['x', 'cos', 'sin', 'y', u32(N), u32(n), u32(D), u32(S), u32(half), u32(position % S), f32(inverse ? -1 : 1)], N)
  },
}
