import type { CaseRandom, HostTensor, OpCase } from '../core/op.ts'
import type { MoePermuteAttrs } from './moe_permute.ts'
import { permutedRows } from './moe_plan.ts'
import { planOf, randomTopk } from './routing_cases.ts'

interface Size { T: number; H: number; E: number; topk: number; align: number; name: string; slow?: boolean; choices?: (r: CaseRandom) => HostTensor }
const size = (T: number, H: number, E: number, topk: number, align: number, slow?: boolean): Size =>
  ({ T, H, E, topk, align, slow, name: `[${T}, ${H}] ${topk} of ${E}, align ${align}` })

/** Sizes that permuting and unpermuting share. */
export const routedSizes: Size[] = [
  size(1, 1, 1, 1, 1), size(7, 30, 5, 2, 8), size(24, 63, 8, 3, 8), size(24, 64, 8, 3, 64), size(33, 65, 9, 1, 16), size(20, 130, 64, 8, 8), size(64, 7168, 32, 8, 8, true),
  { ...size(40, 16, 8, 2, 8), name: '[40, 16] empty experts', choices: (r) => randomTopk(r, 40, 8, 2, [0, 3, 7]) },
  { ...size(70, 16, 4, 1, 32), name: '[70, 16] one expert takes all', choices: (r) => r.integers([70, 1], 2, 3) },
  { ...size(40, 16, 5, 3, 8), name: '[40, 16] some of no expert', choices: (r) => r.integers([40, 3], -3, 9) },
]
export const routedPlan = (r: CaseRandom, s: Size) => planOf(s.choices ? s.choices(r) : randomTopk(r, s.T, s.E, s.topk), s.E, s.align)
export const routedRows = (s: Size) => permutedRows(s.T * s.topk, s.E, s.align)

export const moe_permute_cases = routedSizes.map((s): OpCase<MoePermuteAttrs> => ({
  name: s.name, slow: s.slow, attrs: { topk: s.topk }, inputs: (r) => ({ x: r.normal([s.T, s.H]), ...routedPlan(r, s) }),
}))

export const moe_permute_bwd_cases = routedSizes.map((s): OpCase<MoePermuteAttrs> => ({
  name: s.name, slow: s.slow, attrs: { topk: s.topk }, inputs: (r) => ({ dxp: r.normal([routedRows(s), s.H], 100), slot_row: routedPlan(r, s).slot_row }),
}))
