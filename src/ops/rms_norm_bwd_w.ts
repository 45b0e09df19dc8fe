// rms_norm_bwd_w: dw[h] = sum over t of dy[t, h] * x[t, h] * rstd[t].
import { defineOp } from '../core/op.ts'
import { need, sameShape, spec } from '../core/shape.ts'

export const rms_norm_bwd_w = defineOp({
  name: 'rms_norm_bwd_w',
  args: [['dy', 'in'], ['x', 'in'], ['rstd', 'in'], ['dw', 'out']],
  infer({ dy, x, rstd }) {
    need(x.shape.length === 2 && x.dtype === 'f32', 'rms_norm_bwd_w', 'x', x, '[T, H] f32')
    need(sameShape(dy.shape, x.shape), 'rms_norm_bwd_w', 'dy', dy, `[${x.shape.join(', ')}] f32`)
    need(rstd.shape[0] === x.shape[0], 'rms_norm_bwd_w', 'rstd', rstd, `[${x.shape[0]}] f32`)
    return { dw: spec('f32', [x.shape[1]]) }
  },
  reference({ dy, x, rstd, dw }) {
    const [T, H] = x.shape
    for (let h = 0; h < H; h++) {
      let sum = 0
      for (let t = 0; t < T; t++) sum += dy.data[t * H + h] * x.data[t * H + h] * rstd.data[t]
      dw.data[h] = sum
    }
  },
  tolerance: ({ x }) => 4e-7 * Math.max(4, Math.sqrt(x.shape[0])),
  toleranceReason: 'float32 sum over T rows in blocks of 64, terms of both signs cancel',
})
