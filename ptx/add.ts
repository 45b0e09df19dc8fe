import { ceilDiv, u32, type PtxKernel } from '../src/core/kernel.ts'
import { numElements } from '../src/core/shape.ts'
import text from './add.ptx'

export const add: PtxKernel = {
  op: 'add',
  launch({ specs: { x } }) {
    const N = numElements(x.shape)
    return [{ ptx: text, entry: 'add', args: ['x', 'y', 'z', u32(N)], grid: [ceilDiv(N, 512), 1, 1], block: [128, 1, 1] }]
  },
}
