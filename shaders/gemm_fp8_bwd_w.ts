import { ceilDiv, scratch, u32, workgroups1d, type WgslKernel } from '../src/core/kernel.ts'
import { numElements } from '../src/core/shape.ts'
import text from './accumulate.wgsl'
import { gemm_fp8 } from './gemm_fp8.ts'
import { items } from './items.ts'

export const gemm_fp8_bwd_w: WgslKernel = {
  op: 'gemm_fp8_bwd_w',
  launch(call, device) {
    const n = numElements(call.specs.c.shape)
    const product = scratch('product', 4 * n)
    const passes = gemm_fp8.launch({ ...call, attrs: { layout: 'nt', bTile: '1x128' } }, device)
    const { wgsl, per } = items(text, n)
    return [
      ...passes.map((p) => ({ ...p, bindings: p.bindings.map((b) => (b === 'c' ? product : b)) })),
      { label: 'accumulate', wgsl, entry: 'accumulate', bindings: [product, 'c'], uniforms: [u32(n / per)], workgroups: workgroups1d(ceilDiv(n / per, 64)) },
    ]
  },
}
