// grouped_gemm_fp8: grouped_gemm of e4m3 operands: x in 1x128 tiles, each expert's w in 128x128 blocks.
import { defineOp } from '../core/op.ts'
import { need, sameShape, spec } from '../core/shape.ts'
import type { Tensor } from '../core/tensor.ts'
import { fp8Tolerance, fp8ToleranceReason } from './gemm_fp8.ts'
import { groupedExtents, needOffsets, needRowAlign, type GroupedLayout } from './grouped_gemm.ts'
import { multiply } from './matrix.ts'
import { dequantized } from './quantize_fp8.ts'

export interface GroupedGemmFp8Attrs { readonly [key: string]: string | number; readonly layout: GroupedLayout; readonly rowAlign: number }

export const grouped_gemm_fp8 = defineOp<GroupedGemmFp8Attrs>({
  name: 'grouped_gemm_fp8',
  args: [['x', 'in'], ['xScale', 'in'], ['w', 'in'], ['wScale', 'in'], ['offsets', 'in'], ['y', 'out']],
  infer({ x, xScale, w, wScale, offsets }, { layout, rowAlign }) {
    need(x.shape.length === 2 && x.dtype === 'e4m3', 'grouped_gemm_fp8', 'x', x, '[P, K] e4m3')
    const { P, E, N, K } = groupedExtents(x.shape, w.shape, layout)
    const ok = w.shape.length === 3 && w.dtype === 'e4m3' && (layout === 'nt' ? w.shape[2] : w.shape[1]) === K
    need(ok, 'grouped_gemm_fp8', 'w', w, `${layout === 'nt' ? `[E, N, ${K}]` : `[E, ${K}, N]`} e4m3 (layout ${layout})`)
    const xShape = [P, Math.ceil(K / 128)], wShape = [E, Math.ceil(w.shape[1] / 128), Math.ceil(w.shape[2] / 128)]
    need(sameShape(xScale.shape, xShape) && xScale.dtype === 'f32', 'grouped_gemm_fp8', 'xScale', xScale, `[${xShape.join(', ')}] f32`)
    need(sameShape(wScale.shape, wShape) && wScale.dtype === 'f32', 'grouped_gemm_fp8', 'wScale', wScale, `[${wShape.join(', ')}] f32`)
    needOffsets('grouped_gemm_fp8', offsets, E)
    needRowAlign('grouped_gemm_fp8', rowAlign, x)
    return { y: spec('f32', [P, N]) }
  },
  reference({ x, xScale, w, wScale, offsets, y }, { layout }) {
    const { P, E, N, K } = groupedExtents(x.shape, w.shape, layout)
    const scalesPerExpert = wScale.shape[1] * wScale.shape[2]
    const left = dequantized(x.data, xScale.data, P, K, 1)
    for (let e = 0; e < E; e++) {
      const start = offsets.data[e], rows = offsets.data[e + 1] - start
      if (rows <= 0) continue
      const right = dequantized(w.data, wScale.data, w.shape[1], w.shape[2], 128, e * N * K, e * scalesPerExpert)
      multiply(y.data, start * N, rows, N, K, { data: left, at: start * K, row: K, step: 1 },
        { data: right, at: 0, row: layout === 'nt' ? K : 1, step: layout === 'nt' ? 1 : N })
    }
    y.data.fill(0, offsets.data[E] * N, P * N)
  },
  tolerance: ({ x }) => fp8Tolerance(x.shape[1]),
  toleranceReason: fp8ToleranceReason,
  flops({ x, w }, { layout }) {
    const { P, N, K } = groupedExtents(x.shape, w.shape, layout)
    return 2 * P * N * K // an upper bound: padding rows count
  },
})

/** x [P, K] 1x128; w [E, N, K] (nt) or [E, K, N] (nn) 128x128, wScale [E, ., .]; offsets [E + 1] -> y [P, N] f32. */
export function groupedGemmFp8(
  x: Tensor, xScale: Tensor, w: Tensor, wScale: Tensor, offsets: Tensor, layout: GroupedLayout, rowAlign = 128,
): Tensor {
  return x.device.run(grouped_gemm_fp8, { x, xScale, w, wScale, offsets }, { layout, rowAlign }).y
}
