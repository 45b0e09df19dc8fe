import type { Dispatch, WgslKernel } from '../src/core/kernel.ts'
import { numElements } from '../src/core/shape.ts'
import type { GemmAttrs } from '../src/ops/gemm.ts'
import { asF32, resultF32 } from './gemm_blocked.ts'
import { extents, product } from './gemm_passes.ts'

/** bf16 operands are unpacked first: the product is bound by arithmetic, and f32 arithmetic is all that WGSL has. */
export const gemm: WgslKernel<GemmAttrs> = {
  op: 'gemm',
  launch({ specs: { a, b, c }, attrs: { layout } }, gpu) {
    const { M, N, K } = extents(a.shape, b.shape, layout)
    const passes: Dispatch[] = []
    const left = asF32(passes, 'a', a.dtype, numElements(a.shape))
    const right = asF32(passes, 'b', b.dtype, numElements(b.shape))
    const { target, finish } = resultF32('c', c.dtype, M * N)
    return [...passes, ...product(gpu, { layout, M, N, K, a: left, b: right, c: target }), ...finish]
  },
}
