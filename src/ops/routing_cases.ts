// Inputs that the cases of the routing ops share.
import type { CaseRandom, HostTensor } from '../core/op.ts'
import { moe_plan, permutedRows } from './moe_plan.ts'

/** T rows of topk different experts; those in `never` are not chosen. [T, topk] i32 */
export function randomTopk(r: CaseRandom, T: number, E: number, topk: number, never: number[] = []): HostTensor {
  const keys = r.uniform([T, E], 0, 1).data
  const chosen: number[] = []
  const experts = Array.from({ length: E }, (_, e) => e).filter((e) => !never.includes(e))
  for (let t = 0; t < T; t++) {
    const order = [...experts].sort((a, b) => keys[t * E + b] - keys[t * E + a])
    for (let j = 0; j < topk; j++) chosen.push(order[j])
  }
  return r.values([T, topk], chosen, 'i32')
}

/** What moe_plan makes of these choices. */
export function planOf(topkIndices: HostTensor, experts: number, rowAlign: number): { slot_row: HostTensor; row_slot: HostTensor } {
  const slots = topkIndices.data.length
  const i32 = (n: number): HostTensor => ({ dtype: 'i32', shape: [n], data: new Int32Array(n) })
  const slot_row = i32(slots)
  const row_slot = i32(permutedRows(slots, experts, rowAlign))
  moe_plan.reference({ topk_indices: topkIndices, slot_row, row_slot, offsets: i32(experts + 1), counts: i32(experts) }, { experts, rowAlign })
  return { slot_row, row_slot }
}
