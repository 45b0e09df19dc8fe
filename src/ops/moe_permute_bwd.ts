// moe_permute_bwd: dx[t] = sum over j of dxp[slot_row[t * topk + j]], slots of row -1 left out.
import { defineOp } from '../core/op.ts'
import { need, spec } from '../core/shape.ts'
import type { MoePermuteAttrs } from './moe_permute.ts'

export const moe_permute_bwd = defineOp<MoePermuteAttrs>({
  name: 'moe_permute_bwd',
  args: [['dxp', 'in'], ['slot_row', 'in'], ['dx', 'out']],
  infer({ dxp, slot_row }, { topk }) {
    need(dxp.shape.length === 2 && dxp.dtype === 'f32', 'moe_permute_bwd', 'dxp', dxp, '[P, H] f32')
    need(slot_row.shape.length === 1 && slot_row.shape[0] % topk === 0 && slot_row.dtype === 'i32', 'moe_permute_bwd', 'slot_row', slot_row, `[T * ${topk}] i32`)
    return { dx: spec('f32', [slot_row.shape[0] / topk, dxp.shape[1]]) }
  },
  reference({ dxp, slot_row, dx }, { topk }) {
    const [T, H] = dx.shape
    for (let t = 0; t < T; t++) {
      for (let h = 0; h < H; h++) {
        let sum = 0
        for (let j = 0; j < topk; j++) {
          const row = slot_row.data[t * topk + j]
          if (row >= 0) sum += dxp.data[row * H + h]
        }
        dx.data[t * H + h] = sum
      }
    }
  },
  tolerance: (_, { topk }) => 1e-7 * (2 + topk),
  toleranceReason: 'float32 sum of topk terms',
})
