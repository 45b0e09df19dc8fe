import { ceilDiv, u32, type PtxKernel } from '../src/core/kernel.ts'
import { elementwise } from './elementwise.ts'
import { itemFor, itemTexts } from './item.ts'
import { moeUnpermuteBwdPtx } from './moe_unpermute_bwd.ptx.ts'

const texts = itemTexts(moeUnpermuteBwdPtx)

export const moe_unpermute_bwd: PtxKernel = {
  op: 'moe_unpermute_bwd',
  launch({ specs: { yp, topk_weights } }) {
    const { ptx, per } = itemFor(texts, yp.shape[1])
    const [P, H] = [yp.shape[0], yp.shape[1] / per]
    const [T, topk] = topk_weights.shape
    const slots = T * topk
    const gradient = elementwise(ptx, 'moe_unpermute_bwd', ['dy', 'topk_weights', 'row_slot', 'dyp', u32(P * H), u32(H), u32(topk)], P * H)
    if (slots === 0) return gradient
    return [...gradient, {
      label: 'moe_unpermute_bwd_w', ptx, entry: 'moe_unpermute_bwd_w', args: ['dy', 'yp', 'slot_row', 'dw', u32(slots), u32(H), u32(topk)],
      grid: [ceilDiv(slots, 4), 1, 1], block: [128, 1, 1],
    }]
  },
}
