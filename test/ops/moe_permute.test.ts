import { describe, expect, it } from 'vitest'
import { runReference } from '../../src/check/index.ts'
import { caseRandom } from '../../src/check/random.ts'
import { moe_permute, moePermute } from '../../src/ops/moe_permute.ts'
import { moe_permute_bwd } from '../../src/ops/moe_permute_bwd.ts'
import { moePlan } from '../../src/ops/moe_plan.ts'
import { describeOp } from '../support/describe_op.ts'
import { gradcheck } from '../support/gradcheck.ts'
import { f32, i32 } from '../support/values.ts'

describe('moe_permute by hand', () => {
  const slot_row = i32([4], [3, 0, -1, 1])

  it('copies the row of each slot, zeros for padding', () => {
    const { xp } = runReference(moe_permute, { x: f32([2, 2], [1, 2, 3, 4]), row_slot: i32([5], [1, 3, -1, 0, -1]), slot_row }, { topk: 2 })
    expect([...xp.data]).toEqual([1, 2, 3, 4, 0, 0, 1, 2, 0, 0])
  })

  it('backward adds up the rows of a token', () => {
    const { dx } = runReference(moe_permute_bwd, { dxp: f32([5, 1], [1, 2, 4, 8, 16]), slot_row }, { topk: 2 })
    expect([...dx.data]).toEqual([9, 2])
  })
})

it('moe_permute: backward agrees with differences', () => {
  const r = caseRandom('moe_permute gradcheck')
  gradcheck(({ x, topk_indices }) => {
    const plan = moePlan(topk_indices, { experts: 4, rowAlign: 2 })
    return moePermute(x, plan.rowSlot, plan.slotRow, { topk: 2 })
  }, { x: r.normal([3, 2]), topk_indices: i32([3, 2], [2, 0, 2, 3, 9, 2]) })
})

describeOp(moe_permute)
describeOp(moe_permute_bwd)
