import { scratch, type Dispatch, type WgslKernel } from '../src/core/kernel.ts'
import { decoded } from './dequantize_fp8.ts'
import { blockedGemm, transposePass } from './gemm_blocked.ts'

export const grouped_gemm_fp8_bwd_w: WgslKernel = {
  op: 'grouped_gemm_fp8_bwd_w',
  launch({ specs: { dyT, dw } }) {
    const [E, N, K] = dw.shape
    const P = dyT.shape[1]
    const passes: Dispatch[] = []
    const left = decoded(passes, 'dyT', N * P)
    const right = decoded(passes, 'xT', K * P)
    const x = scratch('x', P * K * 4)
    passes.push(transposePass(right, x, 1, K, P))
    return [...passes, blockedGemm({
      M: N, N: K, K: P, E, a: 'mk', scales: 'per_column', groups: 'sum', bindings: [left, 'dyScale', x, 'xScale', 'offsets', 'dw'],
    })]
  },
}
