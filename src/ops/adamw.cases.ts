import type { CaseRandom, OpCase } from '../core/op.ts'
import type { DType } from '../core/dtype.ts'

const attrs = { lr: 1e-2, beta1: 0.9, beta2: 0.95, eps: 1e-8, weightDecay: 0.1, step: 3 }

const state = (r: CaseRandom, shape: number[], dtype: DType, coef: number) => ({
  p: r.normal(shape), g: r.normal(shape), m: r.normal(shape, 0.1, dtype), v: r.uniform(shape, 0.01, 1, dtype), coef: r.values([1], [coef]),
})

export const adamw_cases: OpCase[] = [
  ...[[1], [7, 30], [63], [64], [65], [129, 3]].flatMap((shape) => (['f32', 'bf16'] as const).map((dtype): OpCase => ({
    name: `[${shape.join(', ')}] ${dtype} state`, attrs, inputs: (r) => state(r, shape, dtype, 0.7),
  }))),
  {
    name: '[33] f32 state, first step', attrs: { ...attrs, step: 1 },
    inputs: (r) => ({ ...state(r, [33], 'f32', 1), m: r.values([33], new Array(33).fill(0)), v: r.values([33], new Array(33).fill(0)) }),
  },
  {
    name: '[9] f32 state, coef 0 and infinite gradients', attrs,
    inputs: (r) => ({ ...state(r, [9], 'f32', 0), g: r.values([9], [Infinity, NaN, 1, -Infinity, 0, 1, 2, 3, 4]) }),
  },
  { name: '[9] bf16 state, coef 0', attrs, inputs: (r) => state(r, [9], 'bf16', 0) },
  { name: '[4] f32 state, large', attrs, inputs: (r) => ({ ...state(r, [4], 'f32', 1), g: r.normal([4], 1e6) }) },
  { name: '[2048, 7168] bf16 state', slow: true, attrs, inputs: (r) => state(r, [2048, 7168], 'bf16', 0.5) },
]
