import { ceilDiv, scratch, u32, type PtxKernel } from '../src/core/kernel.ts'
import type { MoeGateAttrs } from '../src/ops/moe_gate.ts'
import { moeGatePtx } from './moe_gate.ptx.ts'

const inShared = moeGatePtx('shared'), inGlobal = moeGatePtx('global')

export const moe_gate: PtxKernel<MoeGateAttrs> = {
  op: 'moe_gate',
  launch({ specs: { logits }, attrs: { groups, topkGroup, topk } }) {
    const [T, E] = logits.shape
    if (T === 0) return []
    const smemBytes = 4 * (E + groups) * 4
    const shape = { entry: 'moe_gate', grid: [ceilDiv(T, 4), 1, 1], block: [128, 1, 1] } as const
    const scalars = [u32(T), u32(E), u32(groups), u32(topkGroup), u32(topk)]
    // 48 KiB need no opt-in: 3,000 experts.
    if (smemBytes <= 48 * 1024) return [{ ...shape, ptx: inShared, args: ['logits', 'bias', 'scores', 'topk_indices', ...scalars], smemBytes }]
    return [{ ...shape, ptx: inGlobal, args: ['logits', 'bias', 'scores', 'topk_indices', scratch('keys', T * (E + groups) * 4), ...scalars] }]
  },
}
