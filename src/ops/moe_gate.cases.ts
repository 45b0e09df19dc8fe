import type { CaseRandom, HostTensor, OpCase } from '../core/op.ts'
import type { MoeGateAttrs } from './moe_gate.ts'

/** Smallest distance between values whose order decides: far above the float32 error of a score. */
const margin = 2e-5

// T tokens, E experts, groups, topkGroup, topk
const sizes: [number, number, number, number, number, boolean?][] = [
  [1, 8, 1, 1, 2], [7, 8, 4, 2, 3], [24, 8, 2, 1, 3], [63, 16, 4, 2, 4], [64, 16, 4, 3, 6], [65, 15, 5, 2, 4], [9, 6, 6, 3, 2], [5, 33, 1, 1, 33], [20, 256, 8, 4, 8],
  [2048, 256, 8, 4, 8, true],
]

export const moe_gate_cases: OpCase<MoeGateAttrs>[] = [
  ...sizes.map(([T, E, groups, topkGroup, topk, slow]): OpCase<MoeGateAttrs> => {
    const attrs = { groups, topkGroup, topk }
    return { name: `[${T}, ${E}] ${topk} of ${topkGroup}/${groups} groups`, slow, attrs, inputs: (r) => clearChoices(r, T, E, attrs, 1, 0.2) }
  }),
  { name: '[20, 16] negative bias', attrs: { groups: 4, topkGroup: 2, topk: 6 }, inputs: (r) => clearChoices(r, 20, 16, { groups: 4, topkGroup: 2, topk: 6 }, 1, 0.2, -2) },
  { name: '[20, 16] large bias', attrs: { groups: 4, topkGroup: 2, topk: 3 }, inputs: (r) => clearChoices(r, 20, 16, { groups: 4, topkGroup: 2, topk: 3 }, 1, 5) },
  { name: '[5, 12] all equal: lower indices', attrs: { groups: 3, topkGroup: 2, topk: 5 }, inputs: (r) => ({ logits: r.values([5, 12], new Array(60).fill(0.5)), bias: r.values([12], new Array(12).fill(0)) }) },
  { name: '[2, 8] saturated', attrs: { groups: 1, topkGroup: 1, topk: 3 }, inputs: (r) => ({ logits: r.values([2, 8], [-1e4, 90, 1e4, -90, 40, -3e38, 3e38, 1, 1, -1e4, -90, -200, -3e38, -1, 0, 500]), bias: r.values([8], new Array(8).fill(0)) }) },
  {
    // Logits 0.003 apart or more, in a scrambled order: scores differ by more than `margin` where they are chosen from.
    name: '[2, 4096] many experts', attrs: { groups: 4, topkGroup: 2, topk: 5 },
    inputs: (r) => ({ logits: r.values([2, 4096], Array.from({ length: 8192 }, (_, i) => -10 + (12 * ((i * 1237) % 4096)) / 4096)), bias: r.values([4096], new Array(4096).fill(0)) }),
  },
  { name: '[2, 6] one expert takes all', attrs: { groups: 1, topkGroup: 1, topk: 1 }, inputs: (r) => ({ logits: r.uniform([2, 6], -1, 1), bias: r.values([6], [0, 0, 0, 0, 9, 0]) }) },
]

export const moe_gate_bwd_cases: OpCase[] = [[1, 1], [7, 9], [8, 8], [65, 33], [300, 256]].map(([T, E]): OpCase => ({
  name: `[${T}, ${E}] f32`, attrs: {}, inputs: (r) => ({ dscores: r.normal([T, E]), scores: r.uniform([T, E], 0, 1) }),
}))

/** Random logits, drawn again for a token until no two values whose order decides are closer than `margin`. */
function clearChoices(r: CaseRandom, T: number, E: number, attrs: MoeGateAttrs, std: number, biasStd: number, biasMean = 0): Record<string, HostTensor> {
  const bias = r.values([E], Array.from(r.normal([E], biasStd).data, (x: number) => x + biasMean))
  const logits: number[] = []
  while (logits.length < T * E) {
    const row = [...r.normal([E], std).data]
    if (isClear(row.map((x, e) => 1 / (1 + Math.exp(-x)) + bias.data[e]), attrs)) logits.push(...row)
  }
  return { logits: r.values([T, E], logits), bias }
}

function isClear(choice: number[], { groups, topkGroup, topk }: MoeGateAttrs): boolean {
  const size = choice.length / groups
  const descending = (x: number[]) => [...x].sort((a, b) => b - a)
  const apart = (x: number[], count: number) => descending(x).every((v, i, all) => i === 0 || i > count || all[i - 1] - v > margin)
  const members = Array.from({ length: groups }, (_, g) => choice.slice(g * size, (g + 1) * size))
  const groupScores = members.map((m) => descending(m).slice(0, 2).reduce((a, b) => a + b, 0))
  if (groups > 1 && topkGroup < groups && !apart(groupScores, topkGroup)) return false
  const least = descending(groupScores)[topkGroup - 1]
  return apart(members.filter((_, g) => groupScores[g] >= least).flat(), topk)
}
