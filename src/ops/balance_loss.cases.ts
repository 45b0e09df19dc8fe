import type { OpCase } from '../core/op.ts'
import type { BalanceLossAttrs } from './balance_loss.ts'
import { randomTopk } from './routing_cases.ts'

// sequences, seqLen, experts, topk
const sizes: [number, number, number, number, boolean?][] = [[1, 1, 2, 1], [2, 24, 8, 3], [1, 63, 9, 2], [3, 64, 8, 3], [1, 65, 33, 6], [2, 50, 256, 8], [2, 1024, 256, 8, true]]

export const balance_loss_cases: OpCase<BalanceLossAttrs>[] = [
  ...sizes.map(([B, S, E, topk, slow]): OpCase<BalanceLossAttrs> => ({
    name: `${B} x [${S}, ${E}] top ${topk}`, slow, attrs: { seqLen: S, alpha: 1e-4 },
    inputs: (r) => ({ scores: r.uniform([B * S, E], 0.01, 1), topk_indices: randomTopk(r, B * S, E, topk) }),
  })),
  { name: '2 x [20, 8] empty experts', attrs: { seqLen: 20, alpha: 1 }, inputs: (r) => ({ scores: r.uniform([40, 8], 0, 1), topk_indices: randomTopk(r, 40, 8, 2, [1, 6]) }) },
  { name: '1 x [30, 4] one expert takes all', attrs: { seqLen: 30, alpha: 1 }, inputs: (r) => ({ scores: r.uniform([30, 4], 0, 1), topk_indices: r.integers([30, 1], 2, 3) }) },
  { name: '1 x [3, 4] zeros', attrs: { seqLen: 3, alpha: 1 }, inputs: (r) => ({ scores: r.values([3, 4], [0, 0, 0, 0, 1, 2, 3, 4, 0, 0, 0, 0]), topk_indices: randomTopk(r, 3, 4, 2) }) },
]
