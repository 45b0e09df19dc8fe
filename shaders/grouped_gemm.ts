import type { Dispatch, WgslKernel } from '../src/core/kernel.ts'
import { numElements } from '../src/core/shape.ts'
import type { GroupedGemmAttrs } from '../src/ops/grouped_gemm.ts'
import { asF32, resultF32 } from './gemm_blocked.ts'
import { extents, product } from './gemm_passes.ts'

export const grouped_gemm: WgslKernel<GroupedGemmAttrs> = {
  op: 'grouped_gemm',
  launch({ specs: { x, w, y }, attrs: { layout } }, gpu) {
    const { M: P, N, K } = extents(x.shape, w.shape, layout)
    const E = w.shape[0]
    const passes: Dispatch[] = []
    const left = asF32(passes, 'x', x.dtype, numElements(x.shape))
    const right = asF32(passes, 'w', w.dtype, numElements(w.shape))
    const { target, finish } = resultF32('y', y.dtype, P * N)
    return [...passes, ...product(gpu, { layout, M: P, N, K, E, a: left, b: right, offsets: 'offsets', c: target }), ...finish]
  },
}
