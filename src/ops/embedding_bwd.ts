// embedding_bwd: dw[v] = sum of dy[order[i]] over offsets[v] <= i < offsets[v + 1], with order and offsets of sort_by_key.
import { defineOp } from '../core/op.ts'
import { need, spec } from '../core/shape.ts'

export const embedding_bwd = defineOp({
  name: 'embedding_bwd',
  args: [['dy', 'in'], ['order', 'in'], ['offsets', 'in'], ['dw', 'out']],
  infer({ dy, order, offsets }) {
    need(dy.shape.length === 2 && dy.dtype === 'f32', 'embedding_bwd', 'dy', dy, '[T, H] f32')
    need(order.shape.length === 1 && order.shape[0] === dy.shape[0] && order.dtype === 'i32', 'embedding_bwd', 'order', order, `[${dy.shape[0]}] i32`)
    need(offsets.shape.length === 1 && offsets.shape[0] > 1 && offsets.dtype === 'i32', 'embedding_bwd', 'offsets', offsets, '[V + 1] i32')
    return { dw: spec('f32', [offsets.shape[0] - 1, dy.shape[1]]) }
  },
  reference({ dy, order, offsets, dw }) {
    const H = dy.shape[1]
    for (let v = 0; v < dw.shape[0]; v++) {
      for (let h = 0; h < H; h++) {
        let sum = 0
        for (let i = offsets.data[v]; i < offsets.data[v + 1]; i++) sum += dy.data[order.data[i] * H + h]
        dw.data[v * H + h] = sum
      }
    }
  },
  tolerance: ({ dy }) => 4e-7 * Math.max(4, Math.sqrt(dy.shape[0])),
  toleranceReason: 'float32 sum over at most T rows in blocks of 64, terms of both signs cancel',
})
