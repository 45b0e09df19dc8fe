// grouped_gemm_fp8_bwd_w: dw[e] = dy[rows of e]^T x[rows of e], both stored transposed in e4m3 with 1x128 tiles along the rows.
// Segments start at multiples of 128, so a tile of 128 rows belongs to one expert.
import { defineOp } from '../core/op.ts'
import { need, sameShape, spec, type Spec } from '../core/shape.ts'
import type { Tensor } from '../core/tensor.ts'
import { fp8Tolerance, fp8ToleranceReason } from './gemm_fp8.ts'
import { needOffsets } from './grouped_gemm.ts'
import { multiply } from './matrix.ts'
import { dequantized } from './quantize_fp8.ts'

const op = 'grouped_gemm_fp8_bwd_w'

export const grouped_gemm_fp8_bwd_w = defineOp({
  name: op,
  args: [['dyT', 'in'], ['dyScale', 'in'], ['xT', 'in'], ['xScale', 'in'], ['offsets', 'in'], ['dw', 'out']],
  infer({ dyT, dyScale, xT, xScale, offsets }) {
    need(dyT.shape.length === 2 && dyT.dtype === 'e4m3', op, 'dyT', dyT, '[N, P] e4m3')
    need(xT.shape.length === 2 && xT.shape[1] === dyT.shape[1] && xT.dtype === 'e4m3', op, 'xT', xT, `[K, ${dyT.shape[1]}] e4m3`)
    const needScale = (name: string, scale: Spec, rows: number) => {
      const shape = [rows, Math.ceil(dyT.shape[1] / 128)]
      need(sameShape(scale.shape, shape) && scale.dtype === 'f32', op, name, scale, `[${shape.join(', ')}] f32`)
    }
    needScale('dyScale', dyScale, dyT.shape[0])
    needScale('xScale', xScale, xT.shape[0])
    need(offsets.shape.length === 1 && offsets.shape[0] >= 2, op, 'offsets', offsets, '[E + 1] i32')
    const E = offsets.shape[0] - 1
    needOffsets(op, offsets, E)
    return { dw: spec('f32', [E, dyT.shape[0], xT.shape[0]]) }
  },
  reference({ dyT, dyScale, xT, xScale, offsets, dw }) {
    const [E, N, K] = dw.shape
    const P = dyT.shape[1]
    const left = dequantized(dyT.data, dyScale.data, N, P, 1)
    const right = dequantized(xT.data, xScale.data, K, P, 1)
    for (let e = 0; e < E; e++) {
      const start = offsets.data[e], rows = Math.max(0, offsets.data[e + 1] - start)
      multiply(dw.data, e * N * K, N, K, rows, { data: left, at: start, row: P, step: 1 }, { data: right, at: start, row: P, step: 1 })
    }
  },
  tolerance: ({ dyT }) => fp8Tolerance(dyT.shape[1]),
  toleranceReason: fp8ToleranceReason,
  flops: ({ dyT, xT }) => 2 * dyT.shape[1] * dyT.shape[0] * xT.shape[0], // an upper bound: padding rows count
})

/** dyT [N, P], xT [K, P] e4m3 with 1x128 scales, offsets [E + 1] in multiples of 128 -> dw [E, N, K] f32. */
export function groupedGemmFp8BwdW(dyT: Tensor, dyScale: Tensor, xT: Tensor, xScale: Tensor, offsets: Tensor): Tensor {
  return dyT.device.run(grouped_gemm_fp8_bwd_w, { dyT, dyScale, xT, xScale, offsets }).dw
}
