import type { OpCase } from '../core/op.ts'
import type { MoeWeightsAttrs } from './moe_weights.ts'
import { randomTopk } from './routing_cases.ts'

const sizes: [number, number, number, boolean?][] = [[1, 8, 1], [7, 9, 3], [63, 8, 3], [64, 8, 8], [65, 33, 6], [50, 256, 8], [2048, 256, 8, true]]
const attrs = { normalize: true, scale: 2.5 }

export const moe_weights_cases: OpCase<MoeWeightsAttrs>[] = [
  ...sizes.map(([T, E, topk, slow]): OpCase<MoeWeightsAttrs> => ({
    name: `[${T}, ${E}] top ${topk}`, slow, attrs, inputs: (r) => ({ scores: r.uniform([T, E], 0, 1), topk_indices: randomTopk(r, T, E, topk) }),
  })),
  { name: '[9, 8] not normalised', attrs: { normalize: false, scale: 1.5 }, inputs: (r) => ({ scores: r.uniform([9, 8], 0, 1), topk_indices: randomTopk(r, 9, 8, 3) }) },
  { name: '[3, 4] zeros', attrs, inputs: (r) => ({ scores: r.values([3, 4], new Array(12).fill(0)), topk_indices: randomTopk(r, 3, 4, 2) }) },
  { name: '[9, 8] tiny scores', attrs, inputs: (r) => ({ scores: r.uniform([9, 8], 1e-30, 2e-30), topk_indices: randomTopk(r, 9, 8, 3) }) },
]

export const moe_weights_bwd_cases: OpCase<MoeWeightsAttrs>[] = [
  ...sizes.map(([T, E, topk, slow]): OpCase<MoeWeightsAttrs> => ({
    name: `[${T}, ${E}] top ${topk}`, slow, attrs,
    inputs: (r) => ({ dw: r.normal([T, topk]), scores: r.uniform([T, E], 0.1, 1), topk_indices: randomTopk(r, T, E, topk) }),
  })),
  { name: '[9, 8] not normalised', attrs: { normalize: false, scale: 1.5 }, inputs: (r) => ({ dw: r.normal([9, 3]), scores: r.uniform([9, 8], 0, 1), topk_indices: randomTopk(r, 9, 8, 3) }) },
  { name: '[3, 4] zeros', attrs, inputs: (r) => ({ dw: r.normal([3, 2]), scores: r.values([3, 4], new Array(12).fill(0)), topk_indices: randomTopk(r, 3, 4, 2) }) },
]
