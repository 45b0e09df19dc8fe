import type { Dispatch, WgslKernel } from '../src/core/kernel.ts'
import { numElements } from '../src/core/shape.ts'
import { asF32, blockedGemm } from './gemm_blocked.ts'

export const grouped_gemm_bwd_w: WgslKernel = {
  op: 'grouped_gemm_bwd_w',
  launch({ specs: { dy, x, dw } }) {
    const [E, N, K] = dw.shape
    const passes: Dispatch[] = []
    const left = asF32(passes, 'dy', dy.dtype, numElements(dy.shape))
    const right = asF32(passes, 'x', x.dtype, numElements(x.shape))
    return [...passes, blockedGemm({ M: N, N: K, K: dy.shape[0], E, a: 'km', groups: 'sum', bindings: [left, right, 'offsets', 'dw'] })]
  },
}
