import { describe, expect, it } from 'vitest'
import { runReference } from '../../src/check/index.ts'
import { moe_plan, permutedRows } from '../../src/ops/moe_plan.ts'
import { describeOp } from '../support/describe_op.ts'
import { goldenLoad } from '../support/routing_golden.ts'
import { i32 } from '../support/values.ts'

describe('moe_plan by hand', () => {
  it('puts slots in order of experts, segments aligned', () => {
    const { slot_row, row_slot, offsets, counts } = runReference(moe_plan, { topk_indices: i32([3, 2], [2, 0, 2, 3, 0, 2]) }, { experts: 4, rowAlign: 2 })
    expect([...counts.data]).toEqual([2, 0, 3, 1])
    expect([...offsets.data]).toEqual([0, 2, 2, 6, 8])
    expect([...slot_row.data]).toEqual([2, 0, 3, 6, 1, 4])
    expect([...row_slot.data]).toEqual([1, 4, 0, 2, 5, -1, 3, -1, -1, -1])
  })

  it('a slot of no expert has no row', () => {
    const { slot_row, row_slot, counts } = runReference(moe_plan, { topk_indices: i32([2, 1], [7, 1]) }, { experts: 2, rowAlign: 1 })
    expect([...slot_row.data]).toEqual([-1, 0])
    expect([...row_slot.data]).toEqual([1, -1])
    expect([...counts.data]).toEqual([0, 1])
  })

  it('has rows for the worst routing', () => {
    expect(permutedRows(6, 4, 2)).toBe(10)
    expect(permutedRows(5, 3, 8)).toBe(32) // 26 rounded up
    expect(permutedRows(5, 3, 1)).toBe(5)
  })
})

it('moe_plan counts the tokens per expert of the golden model', async () => {
  for (const layer of [1, 2] as const) {
    const golden = await goldenLoad(layer)
    const { counts } = runReference(moe_plan, { topk_indices: i32([48, 3], [...golden.topkIndices]) }, { experts: 8, rowAlign: 8 })
    expect([...counts.data]).toEqual(golden.tokens_per_expert)
  }
})

describeOp(moe_plan)
