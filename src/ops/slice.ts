// slice: y = x[:, start : start + len].
import { defineOp } from '../core/op.ts'
import { need, spec } from '../core/shape.ts'
import type { Tensor } from '../core/tensor.ts'
import { slice_bwd } from './slice_bwd.ts'

export interface SliceAttrs { readonly [key: string]: number; readonly start: number; readonly len: number }

export const slice = defineOp<SliceAttrs>({
  name: 'slice',
  args: [['x', 'in'], ['y', 'out']],
  infer({ x }, { start, len }) {
    need(x.shape.length === 2 && x.dtype === 'f32', 'slice', 'x', x, '[T, D] f32')
    need(start >= 0 && len > 0 && start + len <= x.shape[1], 'slice', 'x', x, `columns ${start} to ${start + len}`)
    return { y: spec('f32', [x.shape[0], len]) }
  },
  reference({ x, y }, { start, len }) {
    const [T, D] = x.shape
    for (let t = 0; t < T; t++) for (let i = 0; i < len; i++) y.data[t * len + i] = x.data[t * D + start + i]
  },
  tolerance: () => 0,
  toleranceReason: 'copies',
  vjp({ specs, attrs }, { y: dy }) {
    return { now: dy ? { x: dy.device.run(slice_bwd, { dy }, { start: attrs.start, width: specs.x.shape[1] }).dx } : {} }
  },
})

/** x [T, D] -> columns start to start + len, [T, len]. */
export function sliceOf(x: Tensor, start: number, len: number): Tensor {
  return x.device.run(slice, { x }, { start, len }).y
}
