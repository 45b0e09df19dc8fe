import { expect, it } from 'vitest'
import { runReference } from '../../src/check/index.ts'
import { moe_load } from '../../src/ops/moe_load.ts'
import { describeOp } from '../support/describe_op.ts'
import { i32 } from '../support/values.ts'

it('moe_load by hand: counts add up', () => {
  const { load } = runReference(moe_load, { counts: i32([3], [1, 0, 5]), load: i32([3], [10, 20, 30]) }, {})
  expect([...load.data]).toEqual([11, 20, 35])
})

describeOp(moe_load)
