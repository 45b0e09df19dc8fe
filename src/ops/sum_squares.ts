// sum_squares: acc += sum of x * x over all elements.
import { defineOp } from '../core/op.ts'
import { need, numElements } from '../core/shape.ts'
import type { Tensor } from '../core/tensor.ts'

export const sum_squares = defineOp({
  name: 'sum_squares',
  args: [['x', 'in'], ['acc', 'inout']],
  infer({ x, acc }) {
    need(x.dtype === 'f32', 'sum_squares', 'x', x, 'f32')
    need(acc.shape.length === 1 && acc.shape[0] === 1 && acc.dtype === 'f32', 'sum_squares', 'acc', acc, '[1] f32')
    return {}
  },
  reference({ x, acc }) {
    let sum = 0
    for (let i = 0; i < x.data.length; i++) sum += x.data[i] * x.data[i]
    acc.data[0] += sum
  },
  tolerance: ({ x }) => 4e-7 * Math.max(8, Math.log2(numElements(x.shape))),
  toleranceReason: 'float32 sum of positive terms by a tree of 64-term blocks',
})

/** acc [1] += sum of squares of x. */
export function sumSquares(x: Tensor, acc: Tensor): void {
  x.device.run(sum_squares, { x, acc })
}
