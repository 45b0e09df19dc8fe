import { ceilDiv, i32, scratch, u32, workgroups1d, type WgslKernel } from '../src/core/kernel.ts'
import type { MoePlanAttrs } from '../src/ops/moe_plan.ts'
import { sortByKey } from './sort_by_key.ts'
import moeOffsets from './moe_offsets.wgsl'
import wgsl from './moe_plan.wgsl'

export const moe_plan: WgslKernel<MoePlanAttrs> = {
  op: 'moe_plan',
  launch({ specs: { slot_row, row_slot }, attrs: { experts, rowAlign } }) {
    const [N] = slot_row.shape
    const [P] = row_slot.shape
    const order = scratch('order', N * 4)
    const sorted = scratch('sorted', (experts + 1) * 4)
    return [
      ...sortByKey('topk_indices', order, sorted, N, experts),
      { label: 'moe_offsets', wgsl: moeOffsets, entry: 'moe_offsets', bindings: [sorted, 'offsets', 'counts'], uniforms: [u32(experts), i32(rowAlign)], workgroups: [ceilDiv(experts + 1, 64), 1, 1] },
      { wgsl, entry: 'moe_plan', bindings: [order, sorted, 'offsets', 'slot_row', 'row_slot'], uniforms: [u32(N), u32(P), u32(experts)], workgroups: workgroups1d(ceilDiv(P, 64)) },
    ]
  },
}
