import { ceilDiv, scratch, u32, workgroups1d, type Dispatch, type WgslKernel } from '../src/core/kernel.ts'
import type { MoeGateAttrs } from '../src/ops/moe_gate.ts'
import groupScores from './moe_group_scores.wgsl'
import scores from './moe_scores.wgsl'
import wgsl from './moe_gate.wgsl'

export const moe_gate: WgslKernel<MoeGateAttrs> = {
  op: 'moe_gate',
  launch({ specs: { logits }, attrs: { groups, topkGroup, topk } }) {
    const [T, E] = logits.shape
    const choice = scratch('choice', T * E * 4)
    const groupScore = groups > 1 ? scratch('group_score', T * groups * 4) : choice
    const all: Dispatch[] = [{
      label: 'moe_scores', wgsl: scores, entry: 'moe_scores', bindings: ['logits', 'bias', 'scores', choice],
      uniforms: [u32(T), u32(E)], workgroups: workgroups1d(ceilDiv(T * E, 64)),
    }]
    if (groups > 1) all.push({
      label: 'moe_group_scores', wgsl: groupScores, entry: 'moe_group_scores', bindings: [choice, groupScore],
      uniforms: [u32(T), u32(E), u32(groups)], workgroups: workgroups1d(ceilDiv(T * groups, 64)),
    })
    all.push({
      wgsl, entry: 'moe_gate', bindings: [choice, groupScore, 'topk_indices'],
      uniforms: [u32(T), u32(E), u32(groups), u32(topkGroup), u32(topk)], workgroups: workgroups1d(ceilDiv(T, 64)),
    })
    return all
  },
}
