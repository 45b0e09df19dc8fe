// rope: the last R dims of each head, as pairs (2i, 2i + 1), turn by the angle of position and i; the rest passes. [deepseek-v3.md §1.2]
import { defineOp } from '../core/op.ts'
import { need, sameShape, show, spec } from '../core/shape.ts'
import type { Tensor } from '../core/tensor.ts'

export interface RopeAttrs {
  readonly [key: string]: number | boolean
  /** Turns back: the gradient. */
  readonly inverse: boolean
  /** Row t is at position (position + t) % S, S = rows of the tables. */
  readonly position: number
}

export const rope = defineOp<RopeAttrs>({
  name: 'rope',
  args: [['x', 'in'], ['cos', 'in'], ['sin', 'in'], ['y', 'out']],
  infer({ x, cos, sin }, { position }) {
    need(x.shape.length === 3 && x.dtype === 'f32', 'rope', 'x', x, '[T, n, D] f32')
    need(cos.shape.length === 2 && cos.shape[1] * 2 <= x.shape[2] && cos.dtype === 'f32', 'rope', 'cos', cos, `[S, R / 2] f32 with R <= ${x.shape[2]}`)
    need(sameShape(cos.shape, sin.shape) && sin.dtype === 'f32', 'rope', 'sin', sin, show(cos))
    need(Number.isInteger(position) && position >= 0, 'rope', 'cos', cos, `an integer position >= 0, not ${position}`)
    return { y: spec('f32', x.shape) }
  },
  reference({ x, cos, sin, y }, { inverse, position }) {
    const [T, n, D] = x.shape
    const [S, half] = cos.shape
    for (let t = 0; t < T; t++) {
      const table = ((position + t) % S) * half
      for (let h = 0; h < n; h++) {
        const at = (t * n + h) * D
        const turned = at + D - 2 * half
        for (let i = at; i < turned; i++) y.data[i] = x.data[i]
        for (let i = 0; i < half; i++) {
          const c = cos.data[table + i], s = inverse ? -sin.data[table + i] : sin.data[table + i]
          const a = x.data[turned + 2 * i], b = x.data[turned + 2 * i + 1]
          y.data[turned + 2 * i] = a * c - b * s
          y.data[turned + 2 * i + 1] = a * s + b * c
        }
      }
    }
  },
  tolerance: () => 4e-7,
  toleranceReason: 'two float32 products and their sum, which |cos|, |sin| <= 1 keep near the largest |x|',
  saves: ['cos', 'sin'],
  vjp({ saved: { cos, sin }, attrs }, { y: dy }) {
    return { now: dy ? { x: ropeOf(dy, cos, sin, { ...attrs, inverse: !attrs.inverse }) } : {} }
  },
})

/** x [T, n, D], cos and sin [S, R / 2] -> [T, n, D]. */
export function ropeOf(x: Tensor, cos: Tensor, sin: Tensor, attrs: Partial<RopeAttrs> = {}): Tensor {
  return x.device.run(rope, { x, cos, sin }, { inverse: false, position: 0, ...attrs }).y
}
