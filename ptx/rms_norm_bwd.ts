import { ceilDiv, u32, type PtxKernel } from '../src/core/kernel.ts'
import text from './rms_norm_bwd.ptx'

export const rms_norm_bwd: PtxKernel = {
  op: 'rms_norm_bwd',
  launch({ specs: { x } }) {
    const [T, H] = x.shape
    return [{ ptx: text, entry: 'rms_norm_bwd', args: ['dy', 'x', 'w', 'rstd', 'dx', u32(T), u32(H)], grid: [ceilDiv(T, 4), 1, 1], block: [128, 1, 1] }]
  },
}
