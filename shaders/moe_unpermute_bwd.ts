import { ceilDiv, scratch, u32, workgroups1d, type WgslKernel } from '../src/core/kernel.ts'
import { items } from './items.ts'
import { sumColumns } from './sum_columns.ts'
import weights from './moe_unpermute_bwd_w.wgsl'
import text from './moe_unpermute_bwd.wgsl'

export const moe_unpermute_bwd: WgslKernel = {
  op: 'moe_unpermute_bwd',
  launch({ specs: { yp, topk_weights } }) {
    const { wgsl, per } = items(text, yp.shape[1])
    const [P, H] = [yp.shape[0], yp.shape[1] / per]
    const [T, topk] = topk_weights.shape
    const [slots, columns] = [T * topk, 16 / per]
    const partial = scratch('partial', slots * 16 * 4)
    return [
      { wgsl, entry: 'moe_unpermute_bwd', bindings: ['dy', 'topk_weights', 'row_slot', 'dyp'], uniforms: [u32(P), u32(H), u32(topk)], workgroups: workgroups1d(ceilDiv(P * H, 256)) },
      {
        label: 'moe_unpermute_bwd_w', wgsl: items(weights, yp.shape[1]).wgsl, entry: 'moe_unpermute_bwd_w', bindings: ['dy', 'yp', 'slot_row', partial],
        uniforms: [u32(slots), u32(H), u32(topk), u32(columns)], workgroups: workgroups1d(ceilDiv(slots * columns, 64)),
      },
      sumColumns(partial, 'dw', slots, 16),
    ]
  },
}
