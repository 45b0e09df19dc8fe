// cast: y = x in another float type, rounded to nearest even.
import { defineOp } from '../core/op.ts'
import { need, spec } from '../core/shape.ts'
import type { Tensor } from '../core/tensor.ts'
import type { FloatOut } from './gemm.ts'

export interface CastAttrs { readonly [key: string]: string; readonly to: FloatOut }

export const castOp = defineOp<CastAttrs>({
  name: 'cast',
  args: [['x', 'in'], ['y', 'out']],
  infer({ x }, { to }) {
    need(x.dtype === 'f32' || x.dtype === 'bf16', 'cast', 'x', x, 'f32 or bf16')
    return { y: spec(to, x.shape) }
  },
  reference({ x, y }) { y.data.set(x.data) },
  tolerance: () => 0,
  toleranceReason: 'one rounding, the same everywhere',
  vjp({ specs: { x } }, { y: dy }) {
    return { now: { x: dy && cast(dy, x.dtype as FloatOut) } }
  },
})

/** x of any shape -> the same shape; x itself when it has that type already. */
export function cast(x: Tensor, to: FloatOut): Tensor {
  return x.dtype === to ? x : x.device.run(castOp, { x }, { to }).y
}
