import { u32, type PtxKernel } from '../src/core/kernel.ts'
import { elementwise } from './elementwise.ts'
import text from './moe_permute.ptx'

export const moe_permute: PtxKernel<{ topk: number }> = {
  op: 'moe_permute',
  launch({ specs: { xp }, attrs: { topk } }) {
    const [P, H] = xp.shape
    return elementwise(text, 'moe_permute', ['x', 'row_slot', 'xp', u32(P * H), u32(H), u32(topk)], P * H)
  },
}
