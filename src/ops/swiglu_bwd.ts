// swiglu_bwd: dh = [dy * up * s * (1 + gate * (1 - s)); dy * gate * s], s = 1 / (1 + exp(-gate)), h = [gate; up].
import { defineOp } from '../core/op.ts'
import { need, spec } from '../core/shape.ts'

export const swiglu_bwd = defineOp({
  name: 'swiglu_bwd',
  args: [['dy', 'in'], ['h', 'in'], ['dh', 'out']],
  infer({ dy, h }) {
    need(h.shape.length === 2 && h.shape[1] % 2 === 0 && h.dtype === 'f32', 'swiglu_bwd', 'h', h, '[T, 2F] f32')
    const [T, F] = [h.shape[0], h.shape[1] / 2]
    need(dy.shape.length === 2 && dy.shape[0] === T && dy.shape[1] === F && dy.dtype === 'f32', 'swiglu_bwd', 'dy', dy, `[${T}, ${F}] f32`)
    return { dh: spec('f32', h.shape) }
  },
  reference({ dy, h, dh }) {
    const [T, F] = dy.shape
    for (let t = 0; t < T; t++) {
      for (let f = 0; f < F; f++) {
        const at = t * 2 * F + f
        const gate = h.data[at], up = h.data[at + F], d = dy.data[t * F + f]
        const s = 1 / (1 + Math.exp(-gate))
        dh.data[at] = d * up * s * (1 + gate * (1 - s))
        dh.data[at + F] = d * gate * s
      }
    }
  },
  tolerance: () => 4e-6,
  toleranceReason: 'as swiglu, with a difference 1 - s next to one and three more products',
})
