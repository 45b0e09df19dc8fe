import { scratch, type Dispatch, type WgslKernel } from '../src/core/kernel.ts'
import type { GemmFp8Attrs } from '../src/ops/gemm_fp8.ts'
import { decoded } from './dequantize_fp8.ts'
import { blockedGemm, transposePass } from './gemm_blocked.ts'
import { extents } from './gemm_passes.ts'

export const gemm_fp8: WgslKernel<GemmFp8Attrs> = {
  op: 'gemm_fp8',
  launch({ specs: { a, b }, attrs: { layout, bTile } }) {
    const { M, N, K } = extents(a.shape, b.shape, layout)
    const passes: Dispatch[] = []
    const left = decoded(passes, 'a', M * K)
    let right = decoded(passes, 'b', N * K)
    if (layout === 'nt') {
      const transposed = scratch('b transposed', K * N * 4)
      passes.push(transposePass(right, transposed, 1, N, K))
      right = transposed
    }
    const scales = bTile === '1x128' ? 'per_column' : layout === 'nt' ? 'blocks_nk' : 'blocks_kn'
    return [...passes, blockedGemm({ M, N, K, a: 'mk', scales, bindings: [left, 'aScale', right, 'bScale', 'c'] })]
  },
}
