import { ceilDiv, u32, workgroups1d, type WgslKernel } from '../src/core/kernel.ts'
import type { MoePermuteAttrs } from '../src/ops/moe_permute.ts'
import wgsl from './moe_permute.wgsl'

export const moe_permute: WgslKernel<MoePermuteAttrs> = {
  op: 'moe_permute',
  launch({ specs: { xp }, attrs: { topk } }) {
    const [P, H] = xp.shape
    return [{ wgsl, entry: 'moe_permute', bindings: ['x', 'row_slot', 'xp'], uniforms: [u32(P), u32(H), u32(topk)], workgroups: workgroups1d(ceilDiv(P * H, 256)) }]
  },
}
