import { f32, type PtxKernel } from '../src/core/kernel.ts'
import text from './clip_coefficient.ptx'

export const clip_coefficient: PtxKernel<{ maxNorm: number }> = {
  op: 'clip_coefficient',
  launch: ({ attrs: { maxNorm } }) => [{ ptx: text, entry: 'clip_coefficient', args: ['acc', 'coef', 'norm', f32(maxNorm)], grid: [1, 1, 1], block: [1, 1, 1] }],
}
