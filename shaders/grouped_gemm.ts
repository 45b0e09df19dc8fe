import { scratch, type Dispatch, type WgslKernel } from '../src/core/kernel.ts'
import { numElements } from '../src/core/shape.ts'
import { groupedExtents, type GroupedGemmAttrs } from '../src/ops/grouped_gemm.ts'
import { asF32, blockedGemm, resultF32, transposePass } from './gemm_blocked.ts'

export const grouped_gemm: WgslKernel<GroupedGemmAttrs> = {
  op: 'grouped_gemm',
  launch({ specs: { x, w, y }, attrs: { layout } }) {
    const { P, E, N, K } = groupedExtents(x.shape, w.shape, layout)
    const passes: Dispatch[] = []
    const left = asF32(passes, 'x', x.dtype, numElements(x.shape))
    let right = asF32(passes, 'w', w.dtype, numElements(w.shape))
    if (layout === 'nt') {
      const transposed = scratch('w transposed', E * K * N * 4)
      passes.push(transposePass(right, transposed, E, N, K))
      right = transposed
    }
    const { target, finish } = resultF32('y', y.dtype, P * N)
    return [...passes, blockedGemm({ M: P, N, K, E, a: 'mk', groups: 'rows', bindings: [left, right, 'offsets', target] }), ...finish]
  },
}
