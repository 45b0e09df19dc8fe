import { scratch, type Dispatch, type WgslKernel } from '../src/core/kernel.ts'
import { numElements } from '../src/core/shape.ts'
import { gemmExtents, type GemmAttrs } from '../src/ops/gemm.ts'
import { asF32, blockedGemm, resultF32, transposePass } from './gemm_blocked.ts'

/** bf16 operands are unpacked first: the product is bound by arithmetic, and f32 arithmetic is all that WGSL has. */
export const gemm: WgslKernel<GemmAttrs> = {
  op: 'gemm',
  launch({ specs: { a, b, c }, attrs: { layout } }) {
    const { M, N, K } = gemmExtents(a.shape, b.shape, layout)
    const passes: Dispatch[] = []
    const left = asF32(passes, 'a', a.dtype, numElements(a.shape))
    let right = asF32(passes, 'b', b.dtype, numElements(b.shape))
    if (layout === 'nt') {
      const transposed = scratch('b transposed', K * N * 4)
      passes.push(transposePass(right, transposed, 1, N, K))
      right = transposed
    }
    const { target, finish } = resultF32('c', c.dtype, M * N)
    return [...passes, blockedGemm({ M, N, K, a: layout === 'tn' ? 'km' : 'mk', bindings: [left, right, target] }), ...finish]
  },
}
