// grouped_gemm_bwd_w: dw[e] = dy[rows of e]^T x[rows of e]; an expert without rows gets zeros.
import { defineOp } from '../core/op.ts'
import { need, spec } from '../core/shape.ts'
import type { Tensor } from '../core/tensor.ts'
import { needOffsets } from './grouped_gemm.ts'
import { dotTolerance, dotToleranceReason, multiply } from './matrix.ts'

export const grouped_gemm_bwd_w = defineOp({
  name: 'grouped_gemm_bwd_w',
  args: [['dy', 'in'], ['x', 'in'], ['offsets', 'in'], ['dw', 'out']],
  infer({ dy, x, offsets }) {
    need(dy.shape.length === 2 && (dy.dtype === 'f32' || dy.dtype === 'bf16'), 'grouped_gemm_bwd_w', 'dy', dy, '[P, N] f32 or bf16')
    need(x.shape.length === 2 && x.shape[0] === dy.shape[0] && x.dtype === dy.dtype, 'grouped_gemm_bwd_w', 'x', x, `[${dy.shape[0]}, K] ${dy.dtype}`)
    need(offsets.shape.length === 1 && offsets.shape[0] >= 2, 'grouped_gemm_bwd_w', 'offsets', offsets, '[E + 1] i32')
    const E = offsets.shape[0] - 1
    needOffsets('grouped_gemm_bwd_w', offsets, E)
    return { dw: spec('f32', [E, dy.shape[1], x.shape[1]]) }
  },
  reference({ dy, x, offsets, dw }) {
    const [E, N, K] = dw.shape
    for (let e = 0; e < E; e++) {
      const start = offsets.data[e], rows = offsets.data[e + 1] - start
      // With no rows the sum over none is zero.
      multiply(dw.data, e * N * K, N, K, Math.max(0, rows),
        { data: dy.data, at: start * N, row: 1, step: N }, { data: x.data, at: start * K, row: 1, step: K })
    }
  },
  tolerance: ({ dy }) => dotTolerance(dy.shape[0], 'f32'),
  toleranceReason: dotToleranceReason,
  flops: ({ dy, x }) => 2 * dy.shape[0] * dy.shape[1] * x.shape[1], // an upper bound: padding rows count
})

/** dy [P, N], x [P, K], offsets [E + 1] -> dw [E, N, K] f32. */
export function groupedGemmBwdW(dy: Tensor, x: Tensor, offsets: Tensor): Tensor {
  return dy.device.run(grouped_gemm_bwd_w, { dy, x, offsets }).dw
}
