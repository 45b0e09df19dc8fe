import type { PtxKernel } from '../../src/core/kernel.ts'
import { gemm_fp8, launchOf, textsOf } from './gemm_fp8.ts'

/** The kernel of gemm_fp8 whose tiles leave by TMA reduction: c is added to in L2, not read. */
export const gemm_fp8_bwd_w: PtxKernel = {
  op: 'gemm_fp8_bwd_w',
  supports: (specs) => gemm_fp8.supports!(specs, { layout: 'nt', bTile: '1x128' }),
  launch: ({ specs }, info) => launchOf(specs, '1x128', true, info),
  tolerance: gemm_fp8.tolerance,
  texts: () => textsOf('1x128', true),
}
