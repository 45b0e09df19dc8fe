import type { Dispatch, WgslKernel } from '../src/core/kernel.ts'
import { numElements } from '../src/core/shape.ts'
import { asF32 } from './gemm_blocked.ts'
import { product } from './gemm_passes.ts'

export const grouped_gemm_bwd_w: WgslKernel = {
  op: 'grouped_gemm_bwd_w',
  launch({ specs: { dy, x, dw } }, gpu) {
    const [E, N, K] = dw.shape
    const passes: Dispatch[] = []
    const left = asF32(passes, 'dy', dy.dtype, numElements(dy.shape))
    const right = asF32(passes, 'x', x.dtype, numElements(x.shape))
    return [...passes, ...product(gpu, { layout: 'tn', M: N, N: K, K: dy.shape[0], E, a: left, b: right, offsets: 'offsets', c: 'dw' })]
  },
}
