// adamw: p -= lr * wd * p; m = b1 m + (1 - b1) g; v = b2 v + (1 - b2) g^2; p -= lr / (1 - b1^t) * m / (sqrt(v / (1 - b2^t)) + eps).
import { defineOp } from '../core/op.ts'
import { need, sameShape, show } from '../core/shape.ts'
import type { Tensor } from '../core/tensor.ts'

export interface AdamwAttrs {
  readonly [key: string]: number
  readonly lr: number
  readonly beta1: number
  readonly beta2: number
  readonly eps: number
  readonly weightDecay: number
  /** From 1. */
  readonly step: number
}

/** PyTorch's AdamW on g * coef; m and v are f32 or bf16 (rounded after use). A coef of 0 leaves everything as it is. */
export const adamw = defineOp<AdamwAttrs>({
  name: 'adamw',
  args: [['p', 'inout'], ['g', 'in'], ['m', 'inout'], ['v', 'inout'], ['coef', 'in']],
  infer({ p, g, m, v, coef }, { step }) {
    need(p.dtype === 'f32', 'adamw', 'p', p, 'f32')
    need(sameShape(g.shape, p.shape) && g.dtype === 'f32', 'adamw', 'g', g, show(p))
    need(sameShape(m.shape, p.shape) && (m.dtype === 'f32' || m.dtype === 'bf16'), 'adamw', 'm', m, `[${p.shape.join(', ')}] f32 or bf16`)
    need(sameShape(v.shape, p.shape) && v.dtype === m.dtype, 'adamw', 'v', v, show(m))
    need(coef.shape.length === 1 && coef.shape[0] === 1 && coef.dtype === 'f32', 'adamw', 'coef', coef, '[1] f32')
    need(Number.isInteger(step) && step >= 1, 'adamw', 'p', p, `an integer step >= 1, not ${step}`)
    return {}
  },
  reference({ p, g, m, v, coef }, { lr, beta1, beta2, eps, weightDecay, step }) {
    const c = coef.data[0]
    if (c === 0) return
    const rate = lr / (1 - beta1 ** step)
    const correction = Math.sqrt(1 - beta2 ** step)
    for (let i = 0; i < p.data.length; i++) {
      const gradient = g.data[i] * c
      const m1 = beta1 * m.data[i] + (1 - beta1) * gradient
      const v1 = beta2 * v.data[i] + (1 - beta2) * gradient * gradient
      m.data[i] = m1
      v.data[i] = v1
      p.data[i] = p.data[i] * (1 - lr * weightDecay) - (rate * m1) / (Math.sqrt(v1) / correction + eps)
    }
  },
  tolerance: ({ m }, _, output) => output !== 'p' && m.dtype === 'bf16' ? 2 ** -8 : 1e-6,
  toleranceReason: 'a dozen float32 operations, a square root and two quotients of 2.5 ULP; a bf16 state near a tie may round to its neighbour',
})

/** One step on p, in place. */
export function adamwOf(p: Tensor, g: Tensor, m: Tensor, v: Tensor, coef: Tensor, attrs: AdamwAttrs): void {
  p.device.run(adamw, { p, g, m, v, coef }, attrs)
}
