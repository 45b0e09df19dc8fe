import { describe, expect, it } from 'vitest'
import { runReference } from '../../src/check/index.ts'
import { sort_by_key } from '../../src/ops/sort_by_key.ts'
import { describeOp } from '../support/describe_op.ts'
import { i32 } from '../support/values.ts'

describe('sort_by_key by hand', () => {
  it('is stable and puts keys outside last', () => {
    const { order, offsets } = runReference(sort_by_key, { keys: i32([7], [2, 0, 2, 1, -1, 9, 0]) }, { numKeys: 3 })
    expect([...order.data]).toEqual([1, 6, 3, 0, 2, 4, 5])
    expect([...offsets.data]).toEqual([0, 2, 3, 5])
  })

  it('refuses what it cannot sort', () => {
    expect(() => sort_by_key.infer({ keys: { dtype: 'f32', shape: [3] } }, { numKeys: 2 })).toThrow('sort_by_key: keys is [3] f32, needs [N] i32')
    expect(() => sort_by_key.infer({ keys: { dtype: 'i32', shape: [3] } }, { numKeys: 0 })).toThrow('numKeys')
  })
})

describeOp(sort_by_key)
