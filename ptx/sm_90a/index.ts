// The kernels of the rung sm_90a, one line each: for Hopper only.
import type { PtxKernel } from '../../src/core/kernel.ts'
import { gemm } from './gemm.ts'
import { gemm_fp8 } from './gemm_fp8.ts'
import { gemm_fp8_bwd_w } from './gemm_fp8_bwd_w.ts'

const kernels: PtxKernel[] = [
  gemm,
  gemm_fp8,
  gemm_fp8_bwd_w,
]

export const hopperKernels: ReadonlyMap<string, PtxKernel> = new Map(kernels.map((k) => [k.op, k]))
