import { ceilDiv, f32, scratch, u32, type PtxKernel } from '../src/core/kernel.ts'
import type { BalanceLossAttrs } from '../src/ops/balance_loss.ts'
import { elementwise } from './elementwise.ts'
import { sumAll } from './sum_all.ts'
import { zero } from './zero.ts'
import text from './balance_loss.ptx'

export const balance_loss: PtxKernel<BalanceLossAttrs> = {
  op: 'balance_loss',
  launch({ specs: { scores, topk_indices }, attrs: { seqLen, alpha } }) {
    const [T, E] = scores.shape
    const topk = topk_indices.shape[1]
    const numCounts = (T / seqLen) * E
    const counts = scratch('counts', numCounts * 4)
    const mean = scratch('mean', T * 4)
    return [
      ...zero(counts, numCounts),
      ...elementwise(text, 'balance_loss_counts', ['topk_indices', counts, u32(T * topk), u32(E), u32(seqLen * topk)], T * topk),
      {
        ptx: text, entry: 'balance_loss', args: ['scores', counts, mean, 'dscores', u32(T), u32(E), u32(seqLen), f32(E / (topk * seqLen)), f32(alpha / T)],
        grid: [ceilDiv(T, 4), 1, 1], block: [128, 1, 1],
      },
      sumAll(mean, 'loss', T, alpha / T, false),
    ]
  },
}
