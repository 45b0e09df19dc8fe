import type { OpCase } from '../core/op.ts'

const shapes: [number[], boolean?][] = [[[1]], [[7, 30]], [[63]], [[64]], [[65]], [[2, 3, 129]], [[4096, 7168], true]]

export const add_cases: OpCase[] = [
  ...shapes.map(([shape, slow]): OpCase => ({
    name: `[${shape.join(', ')}] f32`, slow, attrs: {}, inputs: (r) => ({ x: r.normal(shape), y: r.normal(shape) }),
  })),
  { name: '[100] f32 large', attrs: {}, inputs: (r) => ({ x: r.normal([100], 1e30), y: r.normal([100], 1e-30) }) },
]

export const scale_by_cases: OpCase[] = [
  ...shapes.map(([shape, slow]): OpCase => ({
    name: `[${shape.join(', ')}] f32`, slow, attrs: { factor: 0.3 }, inputs: (r) => ({ x: r.normal(shape) }),
  })),
  { name: '[5] f32 by -2', attrs: { factor: -2 }, inputs: (r) => ({ x: r.values([5], [0, -1, 2, 1e30, -1e-30]) }) },
]
