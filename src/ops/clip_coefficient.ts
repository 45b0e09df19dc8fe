// clip_coefficient: norm = sqrt(acc); coef = min(1, maxNorm / (norm + 1e-6)), 1 when maxNorm <= 0, 0 when norm is not finite.
import { defineOp } from '../core/op.ts'
import { need, spec } from '../core/shape.ts'
import type { Tensor } from '../core/tensor.ts'

export interface ClipCoefficientAttrs { readonly [key: string]: number; readonly maxNorm: number }

export const clip_coefficient = defineOp<ClipCoefficientAttrs>({
  name: 'clip_coefficient',
  args: [['acc', 'in'], ['coef', 'out'], ['norm', 'out']],
  infer({ acc }) {
    need(acc.shape.length === 1 && acc.shape[0] === 1 && acc.dtype === 'f32', 'clip_coefficient', 'acc', acc, '[1] f32')
    return { coef: spec('f32', [1]), norm: spec('f32', [1]) }
  },
  reference({ acc, coef, norm }, { maxNorm }) {
    const n = Math.sqrt(acc.data[0])
    norm.data[0] = n
    coef.data[0] = !Number.isFinite(n) ? 0 : maxNorm > 0 ? Math.min(1, maxNorm / (n + 1e-6)) : 1
  },
  tolerance: () => 5e-7,
  toleranceReason: 'a square root and a quotient of 2.5 ULP each',
})

/** acc [1] (a sum of squares) -> coef [1] to multiply gradients with, norm [1]. maxNorm 0: no clipping. */
export function clipCoefficient(acc: Tensor, maxNorm: number): { coef: Tensor; norm: Tensor } {
  const { coef, norm } = acc.device.run(clip_coefficient, { acc }, { maxNorm })
  return { coef, norm }
}
