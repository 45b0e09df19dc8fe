import { f32, u32, type PtxKernel } from '../src/core/kernel.ts'
import { elementwise } from './elementwise.ts'
import text from './moe_weights_bwd.ptx'

export const moe_weights_bwd: PtxKernel<{ normalize: boolean; scale: number }> = {
  op: 'moe_weights_bwd',
  launch({ specs: { scores, topk_indices }, attrs: { normalize, scale } }) {
    const [T, topk] = topk_indices.shape
    return elementwise(text, 'moe_weights_bwd', ['dw', 'scores', 'topk_indices', 'dscores', u32(T), u32(scores.shape[1]), u32(topk), f32(scale), u32(normalize ? 1 : 0)], T)
  },
}
