import { u32, type PtxKernel } from '../src/core/kernel.ts'
import { elementwise } from './elementwise.ts'
import { itemFor, itemTexts } from './item.ts'
import { moeUnpermutePtx } from './moe_unpermute.ptx.ts'

const texts = itemTexts(moeUnpermutePtx)

export const moe_unpermute: PtxKernel = {
  op: 'moe_unpermute',
  launch({ specs: { topk_weights, y } }) {
    const [T, H] = y.shape
    const { ptx, per } = itemFor(texts, H)
    return elementwise(ptx, 'moe_unpermute', ['yp', 'topk_weights', 'slot_row', 'y', u32(T * H / per), u32(H / per), u32(topk_weights.shape[1])], T * H / per)
  },
}
