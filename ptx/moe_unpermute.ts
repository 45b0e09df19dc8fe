import { u32, type PtxKernel } from '../src/core/kernel.ts'
import { elementwise } from './elementwise.ts'
import text from './moe_unpermute.ptx'

export const moe_unpermute: PtxKernel = {
  op: 'moe_unpermute',
  launch({ specs: { topk_weights, y } }) {
    const [T, H] = y.shape
    return elementwise(text, 'moe_unpermute', ['yp', 'topk_weights', 'slot_row', 'y', u32(T * H), u32(H), u32(topk_weights.shape[1])], T * H)
  },
}
