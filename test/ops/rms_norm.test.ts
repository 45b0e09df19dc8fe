import { describe, expect, it } from 'vitest'
import { runReference } from '../../src/check/index.ts'
import { rms_norm } from '../../src/ops/rms_norm.ts'
import { rms_norm_bwd } from '../../src/ops/rms_norm_bwd.ts'
import { rms_norm_bwd_w } from '../../src/ops/rms_norm_bwd_w.ts'
import { describeOp } from '../support/describe_op.ts'

describe('rms_norm by hand', () => {
  it('normalises [3, 4] to root mean square 1', () => {
    const f32 = (shape: number[], data: number[]) => ({ dtype: 'f32' as const, shape, data: Float32Array.from(data) })
    const { y, rstd } = runReference(rms_norm, { x: f32([1, 2], [3, 4]), w: f32([2], [1, 2]) }, { eps: 0 })
    expect(rstd.data[0]).toBeCloseTo(1 / Math.sqrt(12.5), 6)
    expect(y.data[0]).toBeCloseTo(3 / Math.sqrt(12.5), 6)
    expect(y.data[1]).toBeCloseTo(8 / Math.sqrt(12.5), 6)
  })
})

describeOp(rms_norm)
describeOp(rms_norm_bwd)
describeOp(rms_norm_bwd_w)
