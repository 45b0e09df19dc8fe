import { u32, type PtxKernel } from '../src/core/kernel.ts'
import { elementwise } from './elementwise.ts'
import { itemFor, itemTexts } from './item.ts'
import { moePermuteBwdPtx } from './moe_permute_bwd.ptx.ts'

const texts = itemTexts(moePermuteBwdPtx)

export const moe_permute_bwd: PtxKernel<{ topk: number }> = {
  op: 'moe_permute_bwd',
  launch({ specs: { dx }, attrs: { topk } }) {
    const [T, H] = dx.shape
    const { ptx, per } = itemFor(texts, H)
    return elementwise(ptx, 'moe_permute_bwd', ['dxp', 'slot_row', 'dx', u32(T * H / per), u32(H / per), u32(topk)], T * H / per)
  },
}
