import { u32, type PtxKernel } from '../src/core/kernel.ts'
import { numElements } from '../src/core/shape.ts'
import type { CastAttrs } from '../src/ops/cast.ts'
import text from './cast.ptx'

export const cast: PtxKernel<CastAttrs> = {
  op: 'cast',
  supports: ({ x }, { to }) => x.dtype !== to,
  launch({ specs: { x }, attrs: { to } }) {
    const N = numElements(x.shape)
    return N === 0 ? [] : [{ ptx: text, entry: to === 'bf16' ? 'cast_to_bf16' : 'cast_to_f32', args: ['x', 'y', u32(Math.floor(N / 4)), u32(N % 4)], grid: [Math.floor(N / 1024) + 1, 1, 1], block: [256, 1, 1] }]
  },
}
