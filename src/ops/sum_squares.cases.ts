import type { OpCase } from '../core/op.ts'

const shapes: [number[], boolean?][] = [[[1]], [[7, 30]], [[63]], [[64]], [[65]], [[4095]], [[4096]], [[4097]], [[300, 1000]], [[2048, 7168], true]]

export const sum_squares_cases: OpCase[] = [
  ...shapes.map(([shape, slow]): OpCase => ({
    name: `[${shape.join(', ')}] f32`, slow, attrs: {}, inputs: (r) => ({ x: r.normal(shape), acc: r.uniform([1], 0, 5) }),
  })),
  { name: '[5] f32 large', attrs: {}, inputs: (r) => ({ x: r.normal([5], 1e15), acc: r.values([1], [0]) }) },
]

export const clip_coefficient_cases: OpCase[] = [
  ['below', 1, 0.25], ['above', 1, 9], ['at zero', 1, 0], ['off', 0, 9], ['large', 1, 1e38], ['infinite', 1, Infinity], ['NaN', 1, NaN],
  ['infinite, off', 0, Infinity],
].map(([name, maxNorm, acc]): OpCase => ({ name: `${name}`, attrs: { maxNorm: maxNorm as number }, inputs: (r) => ({ acc: r.values([1], [acc as number]) }) }))
