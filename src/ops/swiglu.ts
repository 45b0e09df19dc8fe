// swiglu: y = silu(h[:, :F]) * h[:, F:], silu(a) = a / (1 + exp(-a)). [deepseek-v3.md §1.2]
import { defineOp } from '../core/op.ts'
import { need, spec } from '../core/shape.ts'
import type { Tensor } from '../core/tensor.ts'
import { swiglu_bwd } from './swiglu_bwd.ts'

export const swiglu = defineOp({
  name: 'swiglu',
  args: [['h', 'in'], ['y', 'out']],
  infer({ h }) {
    need(h.shape.length === 2 && h.shape[1] % 2 === 0 && h.dtype === 'f32', 'swiglu', 'h', h, '[T, 2F] f32')
    return { y: spec('f32', [h.shape[0], h.shape[1] / 2]) }
  },
  reference({ h, y }) {
    const [T, F] = y.shape
    for (let t = 0; t < T; t++) {
      for (let f = 0; f < F; f++) {
        const gate = h.data[t * 2 * F + f], up = h.data[t * 2 * F + F + f]
        y.data[t * F + f] = (gate / (1 + Math.exp(-gate))) * up
      }
    }
  },
  tolerance: () => 2e-6,
  toleranceReason: 'WGSL allows exp(x) an error of 3 + 2 |x| ULP and a quotient 2.5 ULP; large |x| lose their weight in 1 + exp(-x)',
  saves: ['h'],
  vjp: ({ saved: { h } }, { y: dy }) => ({ now: dy ? { h: h.device.run(swiglu_bwd, { dy, h }).dh } : {} }),
})

/** h [T, 2F] (gate, then up) -> [T, F]. */
export function swigluOf(h: Tensor): Tensor {
  return h.device.run(swiglu, { h }).y
}
