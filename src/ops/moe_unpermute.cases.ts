import type { OpCase } from '../core/op.ts'
import { routedPlan, routedRows, routedSizes } from './moe_permute.cases.ts'

export const moe_unpermute_cases = routedSizes.map((s): OpCase => ({
  name: s.name, slow: s.slow, attrs: {},
  inputs: (r) => ({ yp: r.normal([routedRows(s), s.H], 100), topk_weights: r.uniform([s.T, s.topk], 0, 2.5), ...routedPlan(r, s) }),
}))

export const moe_unpermute_bwd_cases = routedSizes.map((s): OpCase => ({
  name: s.name, slow: s.slow, attrs: {},
  inputs: (r) => ({
    dy: r.normal([s.T, s.H]), yp: r.normal([routedRows(s), s.H]), topk_weights: r.uniform([s.T, s.topk], 0, 2.5), ...routedPlan(r, s),
  }),
}))
