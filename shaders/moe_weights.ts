import { ceilDiv, f32, u32, workgroups1d, type WgslKernel } from '../src/core/kernel.ts'
import type { MoeWeightsAttrs } from '../src/ops/moe_weights.ts'
import wgsl from './moe_weights.wgsl'

export const moe_weights: WgslKernel<MoeWeightsAttrs> = {
  op: 'moe_weights',
  launch({ specs: { scores, topk_indices }, attrs: { normalize, scale } }) {
    const [T, topk] = topk_indices.shape
    return [{
      wgsl, entry: 'moe_weights', bindings: ['scores', 'topk_indices', 'topk_weights'],
      uniforms: [u32(T * topk), u32(scores.shape[1]), u32(topk), u32(normalize ? 1 : 0), f32(scale)], workgroups: workgroups1d(ceilDiv(T * topk, 64)),
    }]
  },
}
