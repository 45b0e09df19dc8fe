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
]

export const wgslKernels: ReadonlyMap<string, WgslKernel> = new Map(kernels.map((k) => [k.op, k]))
