import { ceilDiv, u32, type PtxKernel } from '../src/core/kernel.ts'
import { elementwise } from './elementwise.ts'
import text from './moe_unpermute_bwd.ptx'

export const moe_unpermute_bwd: PtxKernel = {
  op: 'moe_unpermute_bwd',
  launch({ specs: { yp, topk_weights } }) {
    const [P, H] = yp.shape
    const [T, topk] = topk_weights.shape
    const slots = T * topk
    const gradient = elementwise(text, 'moe_unpermute_bwd', ['dy', 'topk_weights', 'row_slot', 'dyp', u32(P * H), u32(H), u32(topk)], P * H)
    if (slots === 0) return gradient
    return [...gradient, {
      label: 'moe_unpermute_bwd_w', ptx: text, entry: 'moe_unpermute_bwd_w', args: ['dy', 'yp', 'slot_row', 'dw', u32(slots), u32(H), u32(topk)],
      grid: [ceilDiv(slots, 4), 1, 1], block: [128, 1, 1],
    }]
  },
}
