import { u32, type PtxKernel } from '../src/core/kernel.ts'
import { elementwise } from './elementwise.ts'
import { itemFor, itemTexts } from './item.ts'
import { moePermutePtx } from './moe_permute.ptx.ts'

const texts = itemTexts(moePermutePtx)

export const moe_permute: PtxKernel<{ topk: number }> = {
  op: 'moe_permute',
  launch({ specs: { xp }, attrs: { topk } }) {
    const [P, H] = xp.shape
    const { ptx, per } = itemFor(texts, H)
    return elementwise(ptx, 'moe_permute', ['x', 'row_slot', 'xp', u32(P * H / per), u32(H / per), u32(topk)], P * H / per)
  },
}
