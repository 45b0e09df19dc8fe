// rms_norm: y = x * rsqrt(mean(x * x) + eps) * w over the last dimension. [deepseek-v3.md §1.2]
import { defineOp } from '../core/op.ts'
import { need, spec } from '../core/shape.ts'
import type { Tensor } from '../core/tensor.ts'
import { rms_norm_bwd } from './rms_norm_bwd.ts'
import { rms_norm_bwd_w } from './rms_norm_bwd_w.ts'

export interface RmsNormAttrs { readonly [key: string]: number; readonly eps: number }

export const rms_norm = defineOp<RmsNormAttrs>({
  name: 'rms_norm',
  args: [['x', 'in'], ['w', 'in'], ['y', 'out'], ['rstd', 'out']],
  infer({ x, w }) {
    need(x.shape.length === 2 && x.dtype === 'f32', 'rms_norm', 'x', x, '[T, H] f32')
    need(w.shape.length === 1 && w.shape[0] === x.shape[1] && w.dtype === 'f32', 'rms_norm', 'w', w, `[${x.shape[1]}] f32`)
    return { y: spec('f32', x.shape), rstd: spec('f32', [x.shape[0]]) }
  },
  reference({ x, w, y, rstd }, { eps }) {
    const [T, H] = x.shape
    for (let t = 0; t < T; t++) {
      let sum = 0
      for (let h = 0; h < H; h++) sum += x.data[t * H + h] ** 2
      const r = 1 / Math.sqrt(sum / H + eps)
      rstd.data[t] = r
      for (let h = 0; h < H; h++) y.data[t * H + h] = x.data[t * H + h] * r * w.data[h]
    }
  },
  tolerance: ({ x }) => 4e-7 * Math.max(4, Math.log2(x.shape[1])),
  toleranceReason: 'float32 sum of H squares by a tree, one rsqrt and two products',
  saves: ['x', 'w', 'rstd'],
  vjp({ saved: { x, w, rstd } }, { y: dy }) {
    if (!dy) return { now: {} }
    return {
      now: { x: x.device.run(rms_norm_bwd, { dy, x, w, rstd }).dx },
      later: () => ({ w: x.device.run(rms_norm_bwd_w, { dy, x, rstd }).dw }),
    }
  },
})

/** x [T, H], w [H] -> [T, H]. */
export function rmsNorm(x: Tensor, w: Tensor, eps: number): Tensor {
  return x.device.run(rms_norm, { x, w }, { eps }).y
}
