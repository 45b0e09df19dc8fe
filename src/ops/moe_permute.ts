// moe_permute: xp[r] = x[row_slot[r] / topk], a row of zeros where row_slot is -1: tokens in order of experts.
import { defineOp } from '../core/op.ts'
import { need, spec } from '../core/shape.ts'
import type { Tensor } from '../core/tensor.ts'
import { moe_permute_bwd } from './moe_permute_bwd.ts'

export type MoePermuteAttrs = { readonly topk: number }

export const moe_permute = defineOp<MoePermuteAttrs>({
  name: 'moe_permute',
  args: [['x', 'in'], ['row_slot', 'in'], ['slot_row', 'in'], ['xp', 'out']],
  infer({ x, row_slot, slot_row }, { topk }) {
    need(x.shape.length === 2 && x.dtype === 'f32', 'moe_permute', 'x', x, '[T, H] f32')
    need(row_slot.shape.length === 1 && row_slot.dtype === 'i32', 'moe_permute', 'row_slot', row_slot, '[P] i32')
    need(slot_row.shape.length === 1 && slot_row.shape[0] === x.shape[0] * topk && slot_row.dtype === 'i32', 'moe_permute', 'slot_row', slot_row, `[${x.shape[0] * topk}] i32`)
    return { xp: spec('f32', [row_slot.shape[0], x.shape[1]]) }
  },
  reference({ x, row_slot, xp }, { topk }) {
    const H = x.shape[1]
    row_slot.data.forEach((slot: number, r: number) => {
      const t = Math.floor(slot / topk)
      if (slot < 0) xp.data.fill(0, r * H, (r + 1) * H)
      else xp.data.set(x.data.subarray(t * H, (t + 1) * H), r * H)
    })
  },
  tolerance: () => 0,
  toleranceReason: 'copies',
  saves: ['slot_row'],
  vjp({ saved: { slot_row }, attrs }, { xp: dxp }) {
    return { now: dxp ? { x: dxp.device.run(moe_permute_bwd, { dxp, slot_row }, attrs).dx } : {} }
  },
})

/** x [T, H], rowSlot [P] i32, slotRow [T * topk] i32 (both of moePlan) -> [P, H]. */
export function moePermute(x: Tensor, rowSlot: Tensor, slotRow: Tensor, attrs: MoePermuteAttrs): Tensor {
  return x.device.run(moe_permute, { x, row_slot: rowSlot, slot_row: slotRow }, attrs).xp
}
