import { u32, type PtxKernel } from '../src/core/kernel.ts'
import { elementwise } from './elementwise.ts'
import text from './moe_permute_bwd.ptx'

export const moe_permute_bwd: PtxKernel<{ topk: number }> = {
  op: 'moe_permute_bwd',
  launch({ specs: { dx }, attrs: { topk } }) {
    const [T, H] = dx.shape
    return elementwise(text, 'moe_permute_bwd', ['dxp', 'slot_row', 'dx', u32(T * H), u32(H), u32(topk)], T * H)
  },
}
