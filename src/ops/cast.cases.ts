import type { OpCase } from '../core/op.ts'
import type { Shape } from '../core/shape.ts'
import type { FloatOut } from './gemm.ts'

const shapes: Shape[] = [[1], [2], [7, 3], [63], [64], [65], [129, 5]]
/** Ties to even both ways, the smallest normal, a carry into the exponent, the largest finite, overflow, zeros. */
const edges = [0, -0, 1, 1 + 2 ** -8, 1 + 3 * 2 ** -8, 1 + 2 ** -8 + 2 ** -20, -1.99999, 2 ** -126, 3.3e38, 3.4e38, -3.4e38, Infinity, -Infinity]

export const cast_cases: OpCase[] = [
  ...shapes.flatMap((shape) => ([['f32', 'bf16'], ['bf16', 'f32']] as [FloatOut, FloatOut][]).map(([from, to]): OpCase => ({
    name: `[${shape.join(', ')}] ${from} to ${to}`, attrs: { to }, inputs: (r) => ({ x: r.normal(shape, 3, from) }),
  }))),
  { name: 'edges f32 to bf16', attrs: { to: 'bf16' }, inputs: (r) => ({ x: r.values([edges.length], edges) }) },
  { name: 'edges bf16 to f32', attrs: { to: 'f32' }, inputs: (r) => ({ x: r.values([edges.length], edges, 'bf16') }) },
  { name: '[2048, 7168] f32 to bf16', slow: true, attrs: { to: 'bf16' }, inputs: (r) => ({ x: r.normal([2048, 7168]) }) },
]
