// rms_norm_bwd: dx = rstd * (w * dy - x * rstd^2 * mean(w * dy * x)).
import { defineOp } from '../core/op.ts'
import { need, sameShape, spec } from '../core/shape.ts'

export const rms_norm_bwd = defineOp({
  name: 'rms_norm_bwd',
  args: [['dy', 'in'], ['x', 'in'], ['w', 'in'], ['rstd', 'in'], ['dx', 'out']],
  infer({ dy, x, w, rstd }) {
    need(x.shape.length === 2 && x.dtype === 'f32', 'rms_norm_bwd', 'x', x, '[T, H] f32')
    need(sameShape(dy.shape, x.shape), 'rms_norm_bwd', 'dy', dy, `[${x.shape.join(', ')}] f32`)
    need(w.shape[0] === x.shape[1], 'rms_norm_bwd', 'w', w, `[${x.shape[1]}] f32`)
    need(rstd.shape[0] === x.shape[0], 'rms_norm_bwd', 'rstd', rstd, `[${x.shape[0]}] f32`)
    return { dx: spec('f32', x.shape) }
  },
  reference({ dy, x, w, rstd, dx }) {
    const [T, H] = x.shape
    for (let t = 0; t < T; t++) {
      const at = t * H
      let dot = 0
      for (let h = 0; h < H; h++) dot += w.data[h] * dy.data[at + h] * x.data[at + h]
      const r = rstd.data[t]
      const c = (dot / H) * r * r
      for (let h = 0; h < H; h++) dx.data[at + h] = r * (w.data[h] * dy.data[at + h] - x.data[at + h] * c)
    }
  },
  tolerance: ({ x }) => 8e-7 * Math.max(4, Math.log2(x.shape[1])),
  toleranceReason: 'float32 dot product of H terms by a tree, then a difference of two products',
})
