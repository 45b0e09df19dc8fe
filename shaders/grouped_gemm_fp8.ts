import { scratch, type Dispatch, type WgslKernel } from '../src/core/kernel.ts'
import type { GroupedGemmFp8Attrs } from '../src/ops/grouped_gemm_fp8.ts'
import { decoded } from './dequantize_fp8.ts'
import { blockedGemm, transposePass } from './gemm_blocked.ts'
import { extents } from './gemm_passes.ts'

export const grouped_gemm_fp8: WgslKernel<GroupedGemmFp8Attrs> = {
  op: 'grouped_gemm_fp8',
  launch({ specs: { x, w }, attrs: { layout } }) {
    const { M: P, N, K } = extents(x.shape, w.shape, layout)
    const E = w.shape[0]
    const passes: Dispatch[] = []
    const left = decoded(passes, 'x', P * K)
    let right = decoded(passes, 'w', E * N * K)
    if (layout === 'nt') {
      const transposed = scratch('w transposed', E * K * N * 4)
      passes.push(transposePass(right, transposed, E, N, K))
      right = transposed
    }
    const scales = layout === 'nt' ? 'blocks_nk' : 'blocks_kn'
    return [...passes, blockedGemm({ M: P, N, K, E, a: 'mk', scales, groups: 'rows', bindings: [left, 'xScale', right, 'wScale', 'offsets', 'y'] })]
  },
}
