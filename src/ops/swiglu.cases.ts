import type { OpCase } from '../core/op.ts'

const shapes: [number, number, boolean?][] = [[1, 1], [1, 64], [7, 30], [3, 63], [2, 65], [130, 64], [5, 2048], [4096, 2048, true]]

export const swiglu_cases: OpCase[] = [
  ...shapes.map(([T, F, slow]): OpCase => ({ name: `[${T}, 2 * ${F}] f32`, slow, attrs: {}, inputs: (r) => ({ h: r.normal([T, 2 * F]) }) })),
  { name: '[4, 2 * 16] f32 large', attrs: {}, inputs: (r) => ({ h: r.normal([4, 32], 200) }) },
]

export const swiglu_bwd_cases: OpCase[] = [
  ...shapes.map(([T, F, slow]): OpCase => ({
    name: `[${T}, 2 * ${F}] f32`, slow, attrs: {}, inputs: (r) => ({ dy: r.normal([T, F]), h: r.normal([T, 2 * F]) }),
  })),
  { name: '[4, 2 * 16] f32 large', attrs: {}, inputs: (r) => ({ dy: r.normal([4, 16]), h: r.normal([4, 32], 200) }) },
]
