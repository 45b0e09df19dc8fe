import { ceilDiv, f32, u32, workgroups1d, type WgslKernel } from '../src/core/kernel.ts'
import { numElements } from '../src/core/shape.ts'
import type { MoeWeightsAttrs } from '../src/ops/moe_weights.ts'
import { zero } from './zero.ts'
import wgsl from './moe_weights_bwd.wgsl'

export const moe_weights_bwd: WgslKernel<MoeWeightsAttrs> = {
  op: 'moe_weights_bwd',
  launch({ specs: { scores, topk_indices }, attrs: { normalize, scale } }) {
    const [T, E] = scores.shape
    const N = numElements(topk_indices.shape)
    return [zero('dscores', T * E), {
      wgsl, entry: 'moe_weights_bwd', bindings: ['dw', 'scores', 'topk_indices', 'dscores'],
      uniforms: [u32(N), u32(E), u32(topk_indices.shape[1]), u32(normalize ? 1 : 0), f32(scale)], workgroups: workgroups1d(ceilDiv(N, 64)),
    }]
  },
}
