// add: z = x + y, elementwise.
import { setGradientSum } from '../core/autograd.ts'
import { defineOp } from '../core/op.ts'
import { need, sameShape, show, spec } from '../core/shape.ts'
import type { Tensor } from '../core/tensor.ts'

export const add = defineOp({
  name: 'add',
  args: [['x', 'in'], ['y', 'in'], ['z', 'out']],
  infer({ x, y }) {
    need(x.dtype === 'f32', 'add', 'x', x, 'f32')
    need(sameShape(x.shape, y.shape) && y.dtype === 'f32', 'add', 'y', y, show(x))
    return { z: spec('f32', x.shape) }
  },
  reference({ x, y, z }) {
    for (let i = 0; i < z.data.length; i++) z.data[i] = x.data[i] + y.data[i]
  },
  tolerance: () => 0,
  toleranceReason: 'one float32 addition, correctly rounded everywhere',
  vjp: (_, { z: dz }) => ({ now: { x: dz, y: dz } }),
})

/** Sum of two tensors of one shape. */
export function addOf(x: Tensor, y: Tensor): Tensor {
  return x.device.run(add, { x, y }).z
}

setGradientSum(addOf)
