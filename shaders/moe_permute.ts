import { ceilDiv, u32, workgroups1d, type WgslKernel } from '../src/core/kernel.ts'
import type { MoePermuteAttrs } from '../src/ops/moe_permute.ts'
import { items } from './items.ts'
import text from './moe_permute.wgsl'

export const moe_permute: WgslKernel<MoePermuteAttrs> = {
  op: 'moe_permute',
  launch({ specs: { xp }, attrs: { topk } }) {
    const { wgsl, per } = items(text, xp.shape[1])
    const [P, H] = [xp.shape[0], xp.shape[1] / per]
    return [{ wgsl, entry: 'moe_permute', bindings: ['x', 'row_slot', 'xp'], uniforms: [u32(P), u32(H), u32(topk)], workgroups: workgroups1d(ceilDiv(P * H, 256)) }]
  },
}
