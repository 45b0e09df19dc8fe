// moe_gate_bwd: dlogits = dscores * scores * (1 - scores).
import { defineOp } from '../core/op.ts'
import { need, sameShape, spec } from '../core/shape.ts'

export const moe_gate_bwd = defineOp({
  name: 'moe_gate_bwd',
  args: [['dscores', 'in'], ['scores', 'in'], ['dlogits', 'out']],
  infer({ dscores, scores }) {
    need(scores.shape.length === 2 && scores.dtype === 'f32', 'moe_gate_bwd', 'scores', scores, '[T, E] f32')
    need(sameShape(dscores.shape, scores.shape) && dscores.dtype === 'f32', 'moe_gate_bwd', 'dscores', dscores, `[${scores.shape.join(', ')}] f32`)
    return { dlogits: spec('f32', scores.shape) }
  },
  reference({ dscores, scores, dlogits }) {
    for (let i = 0; i < dlogits.data.length; i++) dlogits.data[i] = dscores.data[i] * scores.data[i] * (1 - scores.data[i])
  },
  tolerance: () => 4e-7,
  toleranceReason: 'one float32 difference and two products',
})
