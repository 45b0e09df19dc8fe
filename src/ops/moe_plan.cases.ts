import type { OpCase } from '../core/op.ts'
import type { MoePlanAttrs } from './moe_plan.ts'
import { randomTopk } from './routing_cases.ts'

// T tokens, E experts, topk, rowAlign
const sizes: [number, number, number, number, boolean?][] = [
  [1, 1, 1, 1], [7, 5, 2, 8], [24, 8, 3, 8], [43, 8, 3, 64], [32, 8, 4, 1], [129, 9, 1, 16], [50, 256, 8, 8], [20, 300, 6, 8], [8192, 256, 8, 128, true],
]

export const moe_plan_cases: OpCase<MoePlanAttrs>[] = [
  ...sizes.map(([T, E, topk, rowAlign, slow]): OpCase<MoePlanAttrs> => ({
    name: `[${T}, ${topk}] of ${E}, align ${rowAlign}`, slow, attrs: { experts: E, rowAlign },
    inputs: (r) => ({ topk_indices: randomTopk(r, T, E, topk) }),
  })),
  { name: '[40, 2] empty experts', attrs: { experts: 8, rowAlign: 8 }, inputs: (r) => ({ topk_indices: randomTopk(r, 40, 8, 2, [0, 3, 4, 7]) }) },
  { name: '[130, 1] one expert takes all', attrs: { experts: 4, rowAlign: 32 }, inputs: (r) => ({ topk_indices: r.integers([130, 1], 2, 3) }) },
  { name: '[40, 3] some of no expert', attrs: { experts: 5, rowAlign: 8 }, inputs: (r) => ({ topk_indices: r.integers([40, 3], -3, 9) }) },
  { name: '[40, 3] all of no expert', attrs: { experts: 5, rowAlign: 8 }, inputs: (r) => ({ topk_indices: r.integers([40, 3], -1, 0) }) },
]
