// moe_plan: where each of the T * topk slots (token t, choice j) goes when rows are put in order of experts. Segments of
// experts begin at multiples of rowAlign; within an expert rows are in slot order; slots of no expert get row -1.
import { defineOp } from '../core/op.ts'
import { need, spec } from '../core/shape.ts'
import type { Tensor } from '../core/tensor.ts'

export type MoePlanAttrs = { readonly experts: number; readonly rowAlign: number }

/** Rows of the permuted order: enough for any routing. */
export function permutedRows(slots: number, experts: number, rowAlign: number): number {
  return Math.ceil((slots + experts * (rowAlign - 1)) / rowAlign) * rowAlign
}

export const moe_plan = defineOp<MoePlanAttrs>({
  name: 'moe_plan',
  args: [['topk_indices', 'in'], ['slot_row', 'out'], ['row_slot', 'out'], ['offsets', 'out'], ['counts', 'out']],
  infer({ topk_indices }, { experts, rowAlign }) {
    need(topk_indices.shape.length === 2 && topk_indices.shape[0] * topk_indices.shape[1] > 0 && topk_indices.dtype === 'i32', 'moe_plan', 'topk_indices', topk_indices, '[T, topk] i32, not empty')
    need(Number.isInteger(experts) && experts >= 1, 'moe_plan', 'topk_indices', topk_indices, `experts >= 1, not ${experts}`)
    need(Number.isInteger(rowAlign) && rowAlign >= 1, 'moe_plan', 'topk_indices', topk_indices, `rowAlign >= 1, not ${rowAlign}`)
    const slots = topk_indices.shape[0] * topk_indices.shape[1]
    return {
      slot_row: spec('i32', [slots]), row_slot: spec('i32', [permutedRows(slots, experts, rowAlign)]),
      offsets: spec('i32', [experts + 1]), counts: spec('i32', [experts]),
    }
  },
  reference({ topk_indices, slot_row, row_slot, offsets, counts }, { experts, rowAlign }) {
    const expertOf = topk_indices.data
    const isExpert = (e: number) => e >= 0 && e < experts
    counts.data.fill(0)
    for (const e of expertOf) if (isExpert(e)) counts.data[e]++
    offsets.data[0] = 0
    for (let e = 0; e < experts; e++) offsets.data[e + 1] = offsets.data[e] + Math.ceil(counts.data[e] / rowAlign) * rowAlign
    const next = offsets.data.slice()
    row_slot.data.fill(-1)
    expertOf.forEach((e: number, slot: number) => {
      slot_row.data[slot] = isExpert(e) ? next[e]++ : -1
      if (isExpert(e)) row_slot.data[slot_row.data[slot]] = slot
    })
  },
  tolerance: () => 0,
  toleranceReason: 'integers',
})

/** T * topk slots, P rows, E experts. */
export interface MoePlan {
  slotRow: Tensor // [T * topk] i32: row of each slot, or -1
  rowSlot: Tensor // [P] i32: slot t * topk + j of each row, or -1 for padding
  offsets: Tensor // [E + 1] i32: first row of each expert
  counts: Tensor // [E] i32: rows of each expert, padding not counted
}

/** topkIndices [T, topk] i32 -> the plan that moePermute, the grouped matrix products and moeUnpermute share. */
export function moePlan(topkIndices: Tensor, attrs: MoePlanAttrs): MoePlan {
  const { slot_row, row_slot, offsets, counts } = topkIndices.device.run(moe_plan, { topk_indices: topkIndices }, attrs)
  return { slotRow: slot_row, rowSlot: row_slot, offsets, counts }
}
