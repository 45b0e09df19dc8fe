// moe_gate: scores = sigmoid(logits); each token takes the topk experts of largest score + bias within its topkGroup best
// groups, where a group's score is the sum of its two best. [deepseek-v3.md §1.4]
import { defineOp } from '../core/op.ts'
import { need, spec } from '../core/shape.ts'
import type { Tensor } from '../core/tensor.ts'
import { moe_gate_bwd } from './moe_gate_bwd.ts'

export type MoeGateAttrs = { readonly groups: number; readonly topkGroup: number; readonly topk: number }

const largest = 3.4028234663852886e38

/** What experts are ordered by. NaN counts as the least finite number and infinities as finite: any input gives topk experts. */
const selectable = (x: number) => (Number.isNaN(x) ? -largest : Math.min(Math.max(x, -largest), largest))

export const moe_gate = defineOp<MoeGateAttrs>({
  name: 'moe_gate',
  args: [['logits', 'in'], ['bias', 'in'], ['scores', 'out'], ['topk_indices', 'out']],
  infer({ logits, bias }, { groups, topkGroup, topk }) {
    need(logits.shape.length === 2 && logits.dtype === 'f32', 'moe_gate', 'logits', logits, '[T, E] f32')
    const [T, E] = logits.shape
    need(bias.shape.length === 1 && bias.shape[0] === E && bias.dtype === 'f32', 'moe_gate', 'bias', bias, `[${E}] f32`)
    need(groups >= 1 && E % groups === 0, 'moe_gate', 'logits', logits, `E divisible by groups = ${groups}`)
    need(topkGroup >= 1 && topkGroup <= groups, 'moe_gate', 'logits', logits, `topkGroup from 1 to groups = ${groups}, not ${topkGroup}`)
    need(topk >= 1 && topk <= (E / groups) * topkGroup, 'moe_gate', 'logits', logits, `topk from 1 to the ${(E / groups) * topkGroup} experts of ${topkGroup} groups, not ${topk}`)
    return { scores: spec('f32', [T, E]), topk_indices: spec('i32', [T, topk]) }
  },
  reference({ logits, bias, scores, topk_indices }, { groups, topkGroup, topk }) {
    const [T, E] = logits.shape
    const perGroup = E / groups
    // Indices of the `count` largest values among `allowed`, in descending order, ties to the lower index.
    const best = (values: number[], count: number, allowed: number[]) => allowed.sort((a, b) => values[b] - values[a] || a - b).slice(0, count)
    const all = Array.from({ length: E }, (_, e) => e)
    for (let t = 0; t < T; t++) {
      const choice = all.map((e) => {
        scores.data[t * E + e] = 1 / (1 + Math.exp(-logits.data[t * E + e]))
        return selectable(scores.data[t * E + e] + bias.data[e]) // the score as stored: what saturates to 1 is a tie
      })
      let allowed = all.slice()
      if (groups > 1) {
        const groupScores = Array.from({ length: groups }, (_, g) => {
          const members = choice.slice(g * perGroup, (g + 1) * perGroup).sort((a, b) => b - a)
          return selectable(members[0] + (members[1] ?? 0))
        })
        const kept = new Set(best(groupScores, topkGroup, Array.from({ length: groups }, (_, g) => g)))
        allowed = allowed.filter((e) => kept.has(Math.floor(e / perGroup)))
      }
      topk_indices.data.set(best(choice, topk, allowed), t * topk)
    }
  },
  tolerance: (_, __, output) => (output === 'topk_indices' ? 0 : 1e-6),
  toleranceReason: 'float32 exp of relative error (3 + 2 |x|) ulp with weight exp(-|x|), one division; indices are equal where margins exceed that',
  saves: ['scores'],
  vjp({ saved: { scores } }, { scores: dscores }) {
    return { now: dscores ? { logits: scores.device.run(moe_gate_bwd, { dscores, scores }).dlogits } : {} }
  },
})

/** logits [T, E], bias [E] -> scores [T, E] (without bias), topkIndices [T, topk] i32 in descending score + bias. */
export function moeGate(logits: Tensor, bias: Tensor, attrs: MoeGateAttrs): { scores: Tensor; topkIndices: Tensor } {
  const { scores, topk_indices } = logits.device.run(moe_gate, { logits, bias }, attrs)
  return { scores, topkIndices: topk_indices }
}
