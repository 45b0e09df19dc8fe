import { scratch, u32, type PtxKernel } from '../src/core/kernel.ts'
import type { MoePlanAttrs } from '../src/ops/moe_plan.ts'
import { elementwise } from './elementwise.ts'
import { prefixSum } from './prefix_sum.ts'
import { sortByKey } from './sort_by_key.ts'
import text from './moe_plan.ptx'

export const moe_plan: PtxKernel<MoePlanAttrs> = {
  op: 'moe_plan',
  launch({ specs: { slot_row, row_slot }, attrs: { experts, rowAlign } }) {
    const [N] = slot_row.shape
    const [P] = row_slot.shape
    const order = scratch('order', N * 4)
    const sorted = scratch('sorted', (experts + 1) * 4)
    return [
      ...sortByKey('topk_indices', order, sorted, N, experts),
      ...elementwise(text, 'moe_plan_offsets', [sorted, 'offsets', 'counts', u32(experts), u32(rowAlign)], experts + 1),
      ...prefixSum('offsets', experts + 1, 'offset_sums'),
      ...elementwise(text, 'moe_plan', [order, sorted, 'offsets', 'slot_row', 'row_slot', u32(N), u32(P), u32(experts)], P),
    ]
  },
}
