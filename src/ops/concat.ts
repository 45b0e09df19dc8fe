// concat: z = [x, y] along the columns.
import { defineOp } from '../core/op.ts'
import { need, spec } from '../core/shape.ts'
import type { Tensor } from '../core/tensor.ts'
import { slice } from './slice.ts'

export const concat = defineOp({
  name: 'concat',
  args: [['x', 'in'], ['y', 'in'], ['z', 'out']],
  infer({ x, y }) {
    need(x.shape.length === 2 && x.dtype === 'f32', 'concat', 'x', x, '[T, A] f32')
    need(y.shape.length === 2 && y.shape[0] === x.shape[0] && y.dtype === 'f32', 'concat', 'y', y, `[${x.shape[0]}, B] f32`)
    return { z: spec('f32', [x.shape[0], x.shape[1] + y.shape[1]]) }
  },
  reference({ x, y, z }) {
    const [T, A] = x.shape
    const B = y.shape[1]
    for (let t = 0; t < T; t++) {
      for (let i = 0; i < A; i++) z.data[t * (A + B) + i] = x.data[t * A + i]
      for (let i = 0; i < B; i++) z.data[t * (A + B) + A + i] = y.data[t * B + i]
    }
  },
  tolerance: () => 0,
  toleranceReason: 'copies',
  vjp({ specs: { x, y } }, { z: dz }) {
    if (!dz) return { now: {} }
    return {
      now: {
        x: dz.device.run(slice, { x: dz }, { start: 0, len: x.shape[1] }).y,
        y: dz.device.run(slice, { x: dz }, { start: x.shape[1], len: y.shape[1] }).y,
      },
    }
  },
})

/** x [T, A], y [T, B] -> [T, A + B]. */
export function concatOf(x: Tensor, y: Tensor): Tensor {
  return x.device.run(concat, { x, y }).z
}
