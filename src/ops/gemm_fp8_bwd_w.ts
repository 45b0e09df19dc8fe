// gemm_fp8_bwd_w: c += a * b^T of e4m3 operands in 1x128 tiles: a weight gradient added to what earlier micro-batches left. [deepseek-v3.md §2, 5.1 (1D1D)]
import { defineOp } from '../core/op.ts'
import { need, sameShape } from '../core/shape.ts'
import type { Tensor } from '../core/tensor.ts'
import { fp8Tolerance, gemm_fp8 } from './gemm_fp8.ts'

const attrs = { layout: 'nt', bTile: '1x128' } as const

export const gemm_fp8_bwd_w = defineOp({
  name: 'gemm_fp8_bwd_w',
  args: [['a', 'in'], ['aScale', 'in'], ['b', 'in'], ['bScale', 'in'], ['c', 'inout']],
  infer({ c, ...operands }) {
    const { c: product } = gemm_fp8.infer(operands, attrs)
    need(c.dtype === 'f32' && sameShape(c.shape, product.shape), 'gemm_fp8_bwd_w', 'c', c, `[${product.shape.join(', ')}] f32`)
    return {}
  },
  reference({ c, ...operands }) {
    const product = { ...c, data: new Float64Array(c.data.length) }
    gemm_fp8.reference({ ...operands, c: product }, attrs)
    for (let i = 0; i < c.data.length; i++) c.data[i] += product.data[i]
  },
  tolerance: ({ a }) => fp8Tolerance(a.shape[1]) + 2 ** -23,
  toleranceReason: 'as gemm_fp8, and one float32 sum',
  flops: ({ a, b }) => 2 * a.shape[0] * a.shape[1] * b.shape[0],
})

/** c [M, N] f32 += a [M, K] b [N, K]^T, both e4m3 with scales a row and 128 of K. */
export function gemmFp8BwdW(a: Tensor, aScale: Tensor, b: Tensor, bScale: Tensor, c: Tensor): void {
  a.device.run(gemm_fp8_bwd_w, { a, aScale, b, bScale, c })
}
