// Every WGSL kernel, one line each.
import type { WgslKernel } from '../src/core/kernel.ts'
import { rms_norm } from './rms_norm.ts'
import { rms_norm_bwd } from './rms_norm_bwd.ts'
import { rms_norm_bwd_w } from './rms_norm_bwd_w.ts'
import { adamw } from './adamw.ts'
import { add } from './add.ts'
import { attention } from './attention.ts'
import { attention_bwd } from './attention_bwd.ts'
import { clip_coefficient } from './clip_coefficient.ts'
import { concat } from './concat.ts'
import { cross_entropy } from './cross_entropy.ts'
import { mla_kv } from './mla_kv.ts'
import { mla_kv_bwd } from './mla_kv_bwd.ts'
import { rope } from './rope.ts'
import { scale_by } from './scale_by.ts'
import { slice } from './slice.ts'
import { slice_bwd } from './slice_bwd.ts'
import { sum_squares } from './sum_squares.ts'
import { swiglu } from './swiglu.ts'
import { swiglu_bwd } from './swiglu_bwd.ts'
import { cast } from './cast.ts'
import { gemm } from './gemm.ts'
import { grouped_gemm } from './grouped_gemm.ts'
import { grouped_gemm_bwd_w } from './grouped_gemm_bwd_w.ts'
import { sort_by_key } from './sort_by_key.ts'
import { embedding } from './embedding.ts'
import { embedding_bwd } from './embedding_bwd.ts'
import { moe_gate } from './moe_gate.ts'
import { moe_gate_bwd } from './moe_gate_bwd.ts'
import { moe_weights } from './moe_weights.ts'
import { moe_weights_bwd } from './moe_weights_bwd.ts'
import { moe_plan } from './moe_plan.ts'
import { moe_permute } from './moe_permute.ts'
import { moe_permute_bwd } from './moe_permute_bwd.ts'
import { moe_unpermute } from './moe_unpermute.ts'
import { moe_unpermute_bwd } from './moe_unpermute_bwd.ts'
import { moe_load } from './moe_load.ts'
import { bias_update } from './bias_update.ts'
import { balance_loss } from './balance_loss.ts'
import { quantize_fp8 } from './quantize_fp8.ts'
import { dequantize_fp8 } from './dequantize_fp8.ts'
import { gemm_fp8 } from './gemm_fp8.ts'
import { gemm_fp8_bwd_w } from './gemm_fp8_bwd_w.ts'
import { grouped_gemm_fp8 } from './grouped_gemm_fp8.ts'
import { grouped_gemm_fp8_bwd_w } from './grouped_gemm_fp8_bwd_w.ts'

const kernels: WgslKernel[] = [
  rms_norm,
  rms_norm_bwd,
  rms_norm_bwd_w,
  adamw,
  add,
  attention,
  attention_bwd,
  clip_coefficient,
  concat,
  cross_entropy,
  mla_kv,
  mla_kv_bwd,
  rope,
  scale_by,
  slice,
  slice_bwd,
  sum_squares,
  swiglu,
  swiglu_bwd,
  cast,
  gemm,
  grouped_gemm,
  grouped_gemm_bwd_w,
  sort_by_key,
  embedding,
  embedding_bwd,
  moe_gate,
  moe_gate_bwd,
  moe_weights,
  moe_weights_bwd,
  moe_plan,
  moe_permute,
  moe_permute_bwd,
  moe_unpermute,
  moe_unpermute_bwd,
  moe_load,
  bias_update,
  balance_loss,
  quantize_fp8,
  dequantize_fp8,
  gemm_fp8,
  gemm_fp8_bwd_w,
  grouped_gemm_fp8,
  grouped_gemm_fp8_bwd_w,
]

export const wgslKernels: ReadonlyMap<string, WgslKernel> = new Map(kernels.map((k) => [k.op, k]))
