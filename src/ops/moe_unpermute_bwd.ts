// moe_unpermute_bwd: dyp[r] = w[s] * dy[s / topk] with s = row_slot[r] (zeros where s is -1); dw[s] = dy[s / topk] . yp[slot_row[s]].
import { defineOp } from '../core/op.ts'
import { need, spec } from '../core/shape.ts'

export const moe_unpermute_bwd = defineOp({
  name: 'moe_unpermute_bwd',
  args: [['dy', 'in'], ['yp', 'in'], ['topk_weights', 'in'], ['slot_row', 'in'], ['row_slot', 'in'], ['dyp', 'out'], ['dw', 'out']],
  infer({ dy, yp, topk_weights, slot_row, row_slot }) {
    need(yp.shape.length === 2 && yp.dtype === 'f32', 'moe_unpermute_bwd', 'yp', yp, '[P, H] f32')
    need(topk_weights.shape.length === 2 && topk_weights.dtype === 'f32', 'moe_unpermute_bwd', 'topk_weights', topk_weights, '[T, topk] f32')
    const [T, topk] = topk_weights.shape
    need(dy.shape.length === 2 && dy.shape[0] === T && dy.shape[1] === yp.shape[1] && dy.dtype === 'f32', 'moe_unpermute_bwd', 'dy', dy, `[${T}, ${yp.shape[1]}] f32`)
    need(slot_row.shape.length === 1 && slot_row.shape[0] === T * topk && slot_row.dtype === 'i32', 'moe_unpermute_bwd', 'slot_row', slot_row, `[${T * topk}] i32`)
    need(row_slot.shape.length === 1 && row_slot.shape[0] === yp.shape[0] && row_slot.dtype === 'i32', 'moe_unpermute_bwd', 'row_slot', row_slot, `[${yp.shape[0]}] i32`)
    return { dyp: spec('f32', yp.shape), dw: spec('f32', topk_weights.shape) }
  },
  reference({ dy, yp, topk_weights, slot_row, row_slot, dyp, dw }) {
    const topk = topk_weights.shape[1]
    const [P, H] = yp.shape
    for (let r = 0; r < P; r++) {
      const slot = row_slot.data[r]
      const t = Math.floor(slot / topk)
      for (let h = 0; h < H; h++) dyp.data[r * H + h] = slot < 0 ? 0 : topk_weights.data[slot] * dy.data[t * H + h]
    }
    for (let slot = 0; slot < slot_row.data.length; slot++) {
      const row = slot_row.data[slot]
      const t = Math.floor(slot / topk)
      let sum = 0
      if (row >= 0) for (let h = 0; h < H; h++) sum += dy.data[t * H + h] * yp.data[row * H + h]
      dw.data[slot] = sum
    }
  },
  tolerance: ({ yp }, _, output) => (output === 'dyp' ? 2e-7 : 4e-7 * Math.max(4, Math.sqrt(yp.shape[1] / 16))),
  toleranceReason: 'dyp: one product; dw: float32 dot product of H terms in 16 strands, terms of both signs cancel',
})
