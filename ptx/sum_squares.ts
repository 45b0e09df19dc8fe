import { ceilDiv, scratch, u32, type PtxKernel } from '../src/core/kernel.ts'
import { numElements } from '../src/core/shape.ts'
import { sumAll } from './sum_all.ts'
import text from './sum_squares.ptx'

export const sum_squares: PtxKernel = {
  op: 'sum_squares',
  launch({ specs: { x } }) {
    const N = numElements(x.shape)
    if (N === 0) return []
    const blocks = Math.min(1024, ceilDiv(N, 4096))
    const partial = scratch('partial', blocks * 4)
    return [
      { ptx: text, entry: 'sum_squares', args: ['x', partial, u32(Math.floor(N / 4)), u32(N % 4)], grid: [blocks, 1, 1], block: [256, 1, 1] },
      sumAll(partial, 'acc', blocks, 1, true),
    ]
  },
}
