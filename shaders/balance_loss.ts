import { ceilDiv, f32, scratch, u32, workgroups1d, type WgslKernel } from '../src/core/kernel.ts'
import type { BalanceLossAttrs } from '../src/ops/balance_loss.ts'
import { sumColumns } from './sum_columns.ts'
import { zero } from './zero.ts'
import balanceCounts from './balance_counts.wgsl'
import balanceRows from './balance_rows.wgsl'
import balanceTotal from './balance_total.wgsl'
import wgsl from './balance_loss.wgsl'

export const balance_loss: WgslKernel<BalanceLossAttrs> = {
  op: 'balance_loss',
  launch({ specs: { scores, topk_indices }, attrs: { seqLen, alpha } }) {
    const [T, E] = scores.shape
    const topk = topk_indices.shape[1]
    const numCounts = (T / seqLen) * E
    const counts = scratch('counts', numCounts * 4)
    const row = scratch('row', T * 4)
    const mean = scratch('mean', T * 4)
    const part = scratch('part', 64 * 4)
    const perCount = f32(E / (topk * seqLen))
    return [
      zero(counts, numCounts),
      { label: 'balance_counts', wgsl: balanceCounts, entry: 'balance_counts', bindings: ['topk_indices', counts], uniforms: [u32(T * topk), u32(E), u32(seqLen * topk)], workgroups: workgroups1d(ceilDiv(T * topk, 64)) },
      { label: 'balance_rows', wgsl: balanceRows, entry: 'balance_rows', bindings: ['scores', counts, row, mean], uniforms: [u32(T), u32(E), u32(seqLen), perCount], workgroups: workgroups1d(ceilDiv(T, 64)) },
      { label: 'balance_total', wgsl: balanceTotal, entry: 'balance_total', bindings: [mean, part], uniforms: [u32(T), f32(alpha / T)], workgroups: [1, 1, 1] },
      sumColumns(part, 'loss', 1, 64),
      { wgsl, entry: 'balance_loss', bindings: [counts, row, mean, 'dscores'], uniforms: [u32(T * E), u32(E), u32(seqLen), perCount, f32(alpha / T)], workgroups: workgroups1d(ceilDiv(T * E, 64)) },
    ]
  },
}
