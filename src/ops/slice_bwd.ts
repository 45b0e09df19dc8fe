// slice_bwd: dx = dy in columns start to start + len, zero elsewhere.
import { defineOp } from '../core/op.ts'
import { need, spec } from '../core/shape.ts'

export interface SliceBwdAttrs {
  readonly [key: string]: number
  readonly start: number
  /** Columns of dx. */
  readonly width: number
}

export const slice_bwd = defineOp<SliceBwdAttrs>({
  name: 'slice_bwd',
  args: [['dy', 'in'], ['dx', 'out']],
  infer({ dy }, { start, width }) {
    need(dy.shape.length === 2 && dy.dtype === 'f32', 'slice_bwd', 'dy', dy, '[T, len] f32')
    need(start >= 0 && start + dy.shape[1] <= width, 'slice_bwd', 'dy', dy, `${start} + len <= ${width}`)
    return { dx: spec('f32', [dy.shape[0], width]) }
  },
  reference({ dy, dx }, { start, width }) {
    const [T, len] = dy.shape
    for (let t = 0; t < T; t++) {
      for (let i = 0; i < width; i++) dx.data[t * width + i] = i >= start && i < start + len ? dy.data[t * len + i - start] : 0
    }
  },
  tolerance: () => 0,
  toleranceReason: 'copies',
})
