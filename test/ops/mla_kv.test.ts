import { describe, expect, it } from 'vitest'
import { runReference } from '../../src/check/index.ts'
import { mla_kv, mlaKv } from '../../src/ops/mla_kv.ts'
import { mla_kv_bwd } from '../../src/ops/mla_kv_bwd.ts'
import { describeOp } from '../support/describe_op.ts'
import { gradcheck } from '../support/gradcheck.ts'
import { f32, normal } from '../support/host.ts'

const attrs = { heads: 2, nope: 2, valueDim: 1 }

describe('mla_kv by hand', () => {
  it('gives every head the same rope part', () => {
    const { k, v } = runReference(mla_kv, { kv: f32([1, 6], [1, 2, 3, 4, 5, 6]), k_rope: f32([1, 1], [9]) }, attrs)
    expect(Array.from(k.data)).toEqual([1, 2, 9, 4, 5, 9])
    expect(Array.from(v.data)).toEqual([3, 6])
  })
  it('refuses a width that is not heads * (nope + valueDim)', () => {
    expect(() => runReference(mla_kv, { kv: f32([1, 5], [1, 2, 3, 4, 5]), k_rope: f32([1, 1], [9]) }, attrs)).toThrow('mla_kv: kv is [1, 5] f32, needs [T, 2 * (2 + 1)] f32')
  })
  const inputs = { kv: normal('kv', [3, 6]), k_rope: normal('k_rope', [3, 2]) }
  it('has the gradients that differences give', () => gradcheck(({ kv, k_rope }) => mlaKv(kv, k_rope, attrs), inputs))
  it('has them when only v is used', () => gradcheck(({ kv, k_rope }) => mlaKv(kv, k_rope, attrs).v, inputs))
})

describeOp(mla_kv)
describeOp(mla_kv_bwd)
