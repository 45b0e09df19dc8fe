import { scratch, u32, type PtxKernel } from '../src/core/kernel.ts'
import { numElements } from '../src/core/shape.ts'
import text from './accumulate.ptx'
import { elementwise } from './elementwise.ts'
import { gemm_fp8 } from './gemm_fp8.ts'

export const gemm_fp8_bwd_w: PtxKernel = {
  op: 'gemm_fp8_bwd_w',
  launch(call, info) {
    const n = numElements(call.specs.c.shape)
    const product = scratch('product', 4 * n)
    const launches = gemm_fp8.launch({ ...call, attrs: { layout: 'nt', bTile: '1x128' } }, info)
    return [...launches.map((l) => ({ ...l, args: l.args.map((a) => (a === 'c' ? product : a)) })), ...elementwise(text, 'accumulate', [product, 'c', u32(n)], n)]
  },
}
