// Every PTX kernel of the rung sm_80, one line each, and the ladder of rungs.
import type { PtxKernel } from '../src/core/kernel.ts'
import type { Attrs, Specs } from '../src/core/op.ts'
import { adamw } from './adamw.ts'
import { add } from './add.ts'
import { attention } from './attention.ts'
import { attention_bwd } from './attention_bwd.ts'
import { balance_loss } from './balance_loss.ts'
import { bias_update } from './bias_update.ts'
import { cast } from './cast.ts'
import { clip_coefficient } from './clip_coefficient.ts'
import { concat } from './concat.ts'
import { cross_entropy } from './cross_entropy.ts'
import { dequantize_fp8 } from './dequantize_fp8.ts'
import { embedding } from './embedding.ts'
import { embedding_bwd } from './embedding_bwd.ts'
import { gemm } from './gemm.ts'
import { gemm_fp8 } from './gemm_fp8.ts'
import { gemm_fp8_bwd_w } from './gemm_fp8_bwd_w.ts'
import { grouped_gemm } from './grouped_gemm.ts'
import { grouped_gemm_bwd_w } from './grouped_gemm_bwd_w.ts'
import { grouped_gemm_fp8 } from './grouped_gemm_fp8.ts'
import { grouped_gemm_fp8_bwd_w } from './grouped_gemm_fp8_bwd_w.ts'
import { mla_kv } from './mla_kv.ts'
import { mla_kv_bwd } from './mla_kv_bwd.ts'
import { moe_gate } from './moe_gate.ts'
import { moe_gate_bwd } from './moe_gate_bwd.ts'
import { moe_load } from './moe_load.ts'
import { moe_permute } from './moe_permute.ts'
import { moe_permute_bwd } from './moe_permute_bwd.ts'
import { moe_plan } from './moe_plan.ts'
import { moe_unpermute } from './moe_unpermute.ts'
import { moe_unpermute_bwd } from './moe_unpermute_bwd.ts'
import { moe_weights } from './moe_weights.ts'
import { moe_weights_bwd } from './moe_weights_bwd.ts'
import { quantize_fp8 } from './quantize_fp8.ts'
import { rms_norm } from './rms_norm.ts'
import { rms_norm_bwd } from './rms_norm_bwd.ts'
import { rms_norm_bwd_w } from './rms_norm_bwd_w.ts'
import { rope } from './rope.ts'
import { scale_by } from './scale_by.ts'
import { slice } from './slice.ts'
import { slice_bwd } from './slice_bwd.ts'
import { sort_by_key } from './sort_by_key.ts'
import { sum_squares } from './sum_squares.ts'
import { swiglu } from './swiglu.ts'
import { swiglu_bwd } from './swiglu_bwd.ts'
import { hopperKernels } from './sm_90a/index.ts'

const kernels: PtxKernel[] = [
  adamw,
  add,
  attention,
  attention_bwd,
  balance_loss,
  bias_update,
  cast,
  clip_coefficient,
  concat,
  cross_entropy,
  dequantize_fp8,
  embedding,
  embedding_bwd,
  gemm,
  gemm_fp8,
  gemm_fp8_bwd_w,
  grouped_gemm,
  grouped_gemm_bwd_w,
  grouped_gemm_fp8,
  grouped_gemm_fp8_bwd_w,
  mla_kv,
  mla_kv_bwd,
  moe_gate,
  moe_gate_bwd,
  moe_load,
  moe_permute,
  moe_permute_bwd,
  moe_plan,
  moe_unpermute,
  moe_unpermute_bwd,
  moe_weights,
  moe_weights_bwd,
  quantize_fp8,
  rms_norm,
  rms_norm_bwd,
  rms_norm_bwd_w,
  rope,
  scale_by,
  slice,
  slice_bwd,
  sort_by_key,
  sum_squares,
  swiglu,
  swiglu_bwd,
]

export const ptxKernels: ReadonlyMap<string, PtxKernel> = new Map(kernels.map((k) => [k.op, k]))

/** Kernels for one target. Those of an `a` target run on that compute capability only, others on it and all above. */
export interface Rung { readonly target: string; readonly kernels: ReadonlyMap<string, PtxKernel> }

/** Highest first. */
export const ladder: readonly Rung[] = [{ target: 'sm_90a', kernels: hopperKernels }, { target: 'sm_80', kernels: ptxKernels }]

/** The kernel of the highest rung that runs on compute capability `sm` and has the op for these arguments. */
export function kernelFor(op: string, specs: Specs, attrs: Attrs, sm: number, rungs = ladder): PtxKernel | undefined {
  for (const { target, kernels } of rungs) {
    const own = Number(/\d+/.exec(target)![0])
    const kernel = (target.endsWith('a') ? sm === own : sm >= own) ? kernels.get(op) : undefined
    if (kernel && (kernel.supports?.(specs, attrs) ?? true)) return kernel
  }
  return undefined
}
