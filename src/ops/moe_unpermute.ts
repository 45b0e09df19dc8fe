// moe_unpermute: y[t] = sum over j of topk_weights[t, j] * yp[slot_row[t * topk + j]], slots of row -1 left out.
import { defineOp } from '../core/op.ts'
import { need, spec } from '../core/shape.ts'
import type { Tensor } from '../core/tensor.ts'
import { moe_unpermute_bwd } from './moe_unpermute_bwd.ts'

export const moe_unpermute = defineOp({
  name: 'moe_unpermute',
  args: [['yp', 'in'], ['topk_weights', 'in'], ['slot_row', 'in'], ['row_slot', 'in'], ['y', 'out']],
  infer({ yp, topk_weights, slot_row, row_slot }) {
    need(yp.shape.length === 2 && yp.dtype === 'f32', 'moe_unpermute', 'yp', yp, '[P, H] f32')
    need(topk_weights.shape.length === 2 && topk_weights.dtype === 'f32', 'moe_unpermute', 'topk_weights', topk_weights, '[T, topk] f32')
    const [T, topk] = topk_weights.shape
    need(slot_row.shape.length === 1 && slot_row.shape[0] === T * topk && slot_row.dtype === 'i32', 'moe_unpermute', 'slot_row', slot_row, `[${T * topk}] i32`)
    need(row_slot.shape.length === 1 && row_slot.shape[0] === yp.shape[0] && row_slot.dtype === 'i32', 'moe_unpermute', 'row_slot', row_slot, `[${yp.shape[0]}] i32`)
    return { y: spec('f32', [T, yp.shape[1]]) }
  },
  reference({ yp, topk_weights, slot_row, y }) {
    const [T, topk] = topk_weights.shape
    const H = yp.shape[1]
    for (let t = 0; t < T; t++) {
      for (let h = 0; h < H; h++) {
        let sum = 0
        for (let j = 0; j < topk; j++) {
          const row = slot_row.data[t * topk + j]
          if (row >= 0) sum += topk_weights.data[t * topk + j] * yp.data[row * H + h]
        }
        y.data[t * H + h] = sum
      }
    }
  },
  tolerance: ({ topk_weights }) => 1e-7 * (3 + topk_weights.shape[1]),
  toleranceReason: 'float32 sum of topk products',
  saves: ['yp', 'topk_weights', 'slot_row', 'row_slot'],
  vjp({ saved }, { y: dy }) {
    if (!dy) return { now: {} }
    const { dyp, dw } = dy.device.run(moe_unpermute_bwd, { dy, ...saved })
    return { now: { yp: dyp, topk_weights: dw } }
  },
})

/** yp [P, H], topkWeights [T, topk], slotRow [T * topk] i32, rowSlot [P] i32 (both of moePlan) -> [T, H]. */
export function moeUnpermute(yp: Tensor, topkWeights: Tensor, slotRow: Tensor, rowSlot: Tensor): Tensor {
  return yp.device.run(moe_unpermute, { yp, topk_weights: topkWeights, slot_row: slotRow, row_slot: rowSlot }).y
}
