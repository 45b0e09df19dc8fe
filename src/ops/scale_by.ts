// scale_by: y = factor * x.
import { defineOp } from '../core/op.ts'
import { need, spec } from '../core/shape.ts'
import type { Tensor } from '../core/tensor.ts'

export interface ScaleByAttrs { readonly [key: string]: number; readonly factor: number }

export const scale_by = defineOp<ScaleByAttrs>({
  name: 'scale_by',
  args: [['x', 'in'], ['y', 'out']],
  infer({ x }) {
    need(x.dtype === 'f32', 'scale_by', 'x', x, 'f32')
    return { y: spec('f32', x.shape) }
  },
  reference({ x, y }, { factor }) {
    for (let i = 0; i < y.data.length; i++) y.data[i] = factor * x.data[i]
  },
  tolerance: () => 2e-7,
  toleranceReason: 'factor is rounded to float32, then one product',
  vjp: ({ attrs: { factor } }, { y: dy }) => ({ now: dy ? { x: scaleBy(dy, factor) } : {} }),
})

/** factor * x. */
export function scaleBy(x: Tensor, factor: number): Tensor {
  return x.device.run(scale_by, { x }, { factor }).y
}
