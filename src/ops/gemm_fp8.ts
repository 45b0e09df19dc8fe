// gemm_fp8: c = a * b^T (nt) or a * b (nn) of e4m3 operands: each 128 of K summed alone, then promoted with both scales. [deepseek-v3.md §2]
import { defineOp } from '../core/op.ts'
import { need, sameShape, spec } from '../core/shape.ts'
import type { Tensor } from '../core/tensor.ts'
import { gemmExtents } from './gemm.ts'
import { dotTolerance, multiply } from './matrix.ts'
import { dequantized } from './quantize_fp8.ts'

export interface GemmFp8Attrs { readonly [key: string]: string; readonly layout: 'nt' | 'nn'; readonly bTile: '128x128' | '1x128' }

/** The fp8 products share it: sums of 128 exact products in float32, then K / 128 of those. */
export const fp8Tolerance = (K: number) => dotTolerance(K, 'f32')
export const fp8ToleranceReason = 'products of e4m3 are exact in float32; sums of K of them and one product with both scales per 128'

export const gemm_fp8 = defineOp<GemmFp8Attrs>({
  name: 'gemm_fp8',
  args: [['a', 'in'], ['aScale', 'in'], ['b', 'in'], ['bScale', 'in'], ['c', 'out']],
  infer({ a, aScale, b, bScale }, { layout, bTile }) {
    need(a.shape.length === 2 && a.dtype === 'e4m3', 'gemm_fp8', 'a', a, '[M, K] e4m3')
    const { M, N, K } = gemmExtents(a.shape, b.shape, layout)
    const bOk = b.shape.length === 2 && b.dtype === 'e4m3' && (layout === 'nt' ? b.shape[1] : b.shape[0]) === K
    need(bOk, 'gemm_fp8', 'b', b, `${layout === 'nt' ? `[N, ${K}]` : `[${K}, N]`} e4m3 (layout ${layout})`)
    need(layout === 'nt' || bTile === '128x128', 'gemm_fp8', 'b', b, 'bTile 128x128 with layout nn')
    const kTiles = Math.ceil(K / 128), nTiles = Math.ceil(N / 128)
    const bShape = bTile === '1x128' ? [N, kTiles] : layout === 'nt' ? [nTiles, kTiles] : [kTiles, nTiles]
    need(sameShape(aScale.shape, [M, kTiles]) && aScale.dtype === 'f32', 'gemm_fp8', 'aScale', aScale, `[${M}, ${kTiles}] f32`)
    need(sameShape(bScale.shape, bShape) && bScale.dtype === 'f32', 'gemm_fp8', 'bScale', bScale, `[${bShape.join(', ')}] f32`)
    return { c: spec('f32', [M, N]) }
  },
  reference({ a, aScale, b, bScale, c }, { layout, bTile }) {
    const { M, N, K } = gemmExtents(a.shape, b.shape, layout)
    const left = dequantized(a.data, aScale.data, M, K, 1)
    const right = dequantized(b.data, bScale.data, b.shape[0], b.shape[1], bTile === '1x128' ? 1 : 128)
    multiply(c.data, 0, M, N, K, { data: left, at: 0, row: K, step: 1 },
      { data: right, at: 0, row: layout === 'nt' ? K : 1, step: layout === 'nt' ? 1 : N })
  },
  tolerance: ({ a }) => fp8Tolerance(a.shape[1]),
  toleranceReason: fp8ToleranceReason,
  flops({ a, b }, { layout }) {
    const { M, N, K } = gemmExtents(a.shape, b.shape, layout)
    return 2 * M * N * K
  },
})

/** a [M, K] 1x128; nt: b [N, K], nn: b [K, N], 128x128 or (nt) 1x128 -> c [M, N] f32. */
export function gemmFp8(
  a: Tensor, aScale: Tensor, b: Tensor, bScale: Tensor, layout: 'nt' | 'nn', bTile: '128x128' | '1x128' = '128x128',
): Tensor {
  return a.device.run(gemm_fp8, { a, aScale, b, bScale }, { layout, bTile }).c
}
