import { ceilDiv, scratch, u32, type PtxKernel } from '../src/core/kernel.ts'
import { sumRows } from './sum_rows.ts'
import text from './rms_norm_bwd_w.ptx'

export const rms_norm_bwd_w: PtxKernel = {
  op: 'rms_norm_bwd_w',
  launch({ specs: { x } }) {
    const [T, H] = x.shape
    const blocks = ceilDiv(T, 64)
    if (H === 0) return []
    const partial = scratch('partial', blocks * H * 4)
    const sum = sumRows(partial, 'dw', blocks, H)
    if (blocks === 0) return [sum]
    return [{ ptx: text, entry: 'rms_norm_bwd_w', args: ['dy', 'x', 'rstd', partial, u32(T), u32(H)], grid: [blocks, ceilDiv(H, 128), 1], block: [128, 1, 1] }, sum]
  },
}
