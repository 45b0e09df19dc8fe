import { ceilDiv, u32, workgroups1d, type WgslKernel } from '../src/core/kernel.ts'
import type { MoePermuteAttrs } from '../src/ops/moe_permute.ts'
import { items } from './items.ts'
import text from './moe_permute_bwd.wgsl'

export const moe_permute_bwd: WgslKernel<MoePermuteAttrs> = {
  op: 'moe_permute_bwd',
  launch({ specs: { dx }, attrs: { topk } }) {
    const { wgsl, per } = items(text, dx.shape[1])
    const [T, H] = [dx.shape[0], dx.shape[1] / per]
    return [{ wgsl, entry: 'moe_permute_bwd', bindings: ['dxp', 'slot_row', 'dx'], uniforms: [u32(T), u32(H), u32(topk)], workgroups: workgroups1d(ceilDiv(T * H, 256)) }]
  },
}
