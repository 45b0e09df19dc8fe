import { ceilDiv, scratch, u32, workgroups1d, type WgslKernel } from '../src/core/kernel.ts'
import { sumColumns } from './sum_columns.ts'
import weights from './moe_unpermute_bwd_w.wgsl'
import wgsl from './moe_unpermute_bwd.wgsl'

export const moe_unpermute_bwd: WgslKernel = {
  op: 'moe_unpermute_bwd',
  launch({ specs: { yp, topk_weights } }) {
    const [P, H] = yp.shape
    const [T, topk] = topk_weights.shape
    const slots = T * topk
    const partial = scratch('partial', slots * 16 * 4)
    return [
      { wgsl, entry: 'moe_unpermute_bwd', bindings: ['dy', 'topk_weights', 'row_slot', 'dyp'], uniforms: [u32(P), u32(H), u32(topk)], workgroups: workgroups1d(ceilDiv(P * H, 256)) },
      {
        label: 'moe_unpermute_bwd_w', wgsl: weights, entry: 'moe_unpermute_bwd_w', bindings: ['dy', 'yp', 'slot_row', partial],
        uniforms: [u32(slots), u32(H), u32(topk)], workgroups: workgroups1d(ceilDiv(slots, 4)),
      },
      sumColumns(partial, 'dw', slots, 16),
    ]
  },
}
