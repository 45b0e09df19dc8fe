import type { OpCase } from '../core/op.ts'

/** T, heads, nope, R, value dim. */
const shapes: [number, number, number, number, number, boolean?][] = [
  [1, 1, 1, 1, 1], [7, 3, 5, 2, 3], [65, 4, 16, 8, 16], [2, 2, 0, 4, 4], [33, 128, 128, 64, 128, true],
]

export const mla_kv_cases: OpCase[] = shapes.map(([T, heads, nope, R, valueDim, slow]): OpCase => ({
  name: `[${T}, ${heads} * (${nope} + ${valueDim})] f32, R ${R}`, slow, attrs: { heads, nope, valueDim },
  inputs: (r) => ({ kv: r.normal([T, heads * (nope + valueDim)]), k_rope: r.normal([T, R]) }),
}))

export const mla_kv_bwd_cases: OpCase[] = shapes.map(([T, heads, nope, R, valueDim, slow]): OpCase => ({
  name: `[${T}, ${heads}, ${nope} + ${R}] f32, value ${valueDim}`, slow, attrs: { nope },
  inputs: (r) => ({ dk: r.normal([T, heads, nope + R]), dv: r.normal([T, heads, valueDim]) }),
}))
