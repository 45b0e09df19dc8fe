import { ceilDiv, f32, u32, type PtxKernel } from '../src/core/kernel.ts'
import text from './rms_norm.ptx'

export const rms_norm: PtxKernel<{ eps: number }> = {
  op: 'rms_norm',
  launch({ specs: { x }, attrs: { eps } }) {
    const [T, H] = x.shape
    return [{ ptx: text, entry: 'rms_norm', args: ['x', 'w', 'y', 'rstd', u32(T), u32(H), f32(eps)], grid: [ceilDiv(T, 4), 1, 1], block: [128, 1, 1] }]
  },
}
