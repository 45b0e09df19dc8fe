// Every op with its parity cases, one line each. To add an op: its files, and its line here and in shaders/index.ts.
import type { Op, OpCase } from '../core/op.ts'
import { rms_norm } from './rms_norm.ts'
import { rms_norm_bwd } from './rms_norm_bwd.ts'
import { rms_norm_bwd_w } from './rms_norm_bwd_w.ts'
import { rms_norm_cases, rms_norm_bwd_cases, rms_norm_bwd_w_cases } from './rms_norm.cases.ts'
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
import { adamw_cases } from './adamw.cases.ts'
import { add_cases, scale_by_cases } from './add.cases.ts'
import { attention_cases, attention_bwd_cases } from './attention.cases.ts'
import { cross_entropy_cases } from './cross_entropy.cases.ts'
import { mla_kv_cases, mla_kv_bwd_cases } from './mla_kv.cases.ts'
import { rope_cases } from './rope.cases.ts'
import { slice_cases, slice_bwd_cases, concat_cases } from './slice.cases.ts'
import { sum_squares_cases, clip_coefficient_cases } from './sum_squares.cases.ts'
import { swiglu_cases, swiglu_bwd_cases } from './swiglu.cases.ts'
import { castOp } from './cast.ts'
import { cast_cases } from './cast.cases.ts'
import { dequantize_fp8 } from './dequantize_fp8.ts'
import { gemmOp } from './gemm.ts'
import { gemm_cases } from './gemm.cases.ts'
import { gemm_fp8 } from './gemm_fp8.ts'
import { gemm_fp8_bwd_w } from './gemm_fp8_bwd_w.ts'
import { gemm_fp8_bwd_w_cases, gemm_fp8_cases, grouped_gemm_fp8_bwd_w_cases, grouped_gemm_fp8_cases } from './gemm_fp8.cases.ts'
import { grouped_gemm } from './grouped_gemm.ts'
import { grouped_gemm_bwd_w } from './grouped_gemm_bwd_w.ts'
import { grouped_gemm_bwd_w_cases, grouped_gemm_cases } from './grouped_gemm.cases.ts'
import { grouped_gemm_fp8 } from './grouped_gemm_fp8.ts'
import { grouped_gemm_fp8_bwd_w } from './grouped_gemm_fp8_bwd_w.ts'
import { quantize_fp8 } from './quantize_fp8.ts'
import { dequantize_fp8_cases, quantize_fp8_cases } from './quantize_fp8.cases.ts'
import { sort_by_key } from './sort_by_key.ts'
import { sort_by_key_cases } from './sort_by_key.cases.ts'
import { embeddingOp } from './embedding.ts'
import { embedding_bwd } from './embedding_bwd.ts'
import { embedding_cases, embedding_bwd_cases } from './embedding.cases.ts'
import { moe_gate } from './moe_gate.ts'
import { moe_gate_bwd } from './moe_gate_bwd.ts'
import { moe_gate_cases, moe_gate_bwd_cases } from './moe_gate.cases.ts'
import { moe_weights } from './moe_weights.ts'
import { moe_weights_bwd } from './moe_weights_bwd.ts'
import { moe_weights_cases, moe_weights_bwd_cases } from './moe_weights.cases.ts'
import { moe_plan } from './moe_plan.ts'
import { moe_plan_cases } from './moe_plan.cases.ts'
import { moe_permute } from './moe_permute.ts'
import { moe_permute_bwd } from './moe_permute_bwd.ts'
import { moe_permute_cases, moe_permute_bwd_cases } from './moe_permute.cases.ts'
import { moe_unpermute } from './moe_unpermute.ts'
import { moe_unpermute_bwd } from './moe_unpermute_bwd.ts'
import { moe_unpermute_cases, moe_unpermute_bwd_cases } from './moe_unpermute.cases.ts'
import { moe_load } from './moe_load.ts'
import { moe_load_cases } from './moe_load.cases.ts'
import { bias_update } from './bias_update.ts'
import { bias_update_cases } from './bias_update.cases.ts'
import { balance_loss } from './balance_loss.ts'
import { balance_loss_cases } from './balance_loss.cases.ts'

export const ops: readonly (readonly [Op, readonly OpCase[]])[] = [
  [rms_norm, rms_norm_cases],
  [rms_norm_bwd, rms_norm_bwd_cases],
  [rms_norm_bwd_w, rms_norm_bwd_w_cases],
  [adamw, adamw_cases],
  [add, add_cases],
  [attention, attention_cases],
  [attention_bwd, attention_bwd_cases],
  [clip_coefficient, clip_coefficient_cases],
  [concat, concat_cases],
  [cross_entropy, cross_entropy_cases],
  [mla_kv, mla_kv_cases],
  [mla_kv_bwd, mla_kv_bwd_cases],
  [rope, rope_cases],
  [scale_by, scale_by_cases],
  [slice, slice_cases],
  [slice_bwd, slice_bwd_cases],
  [sum_squares, sum_squares_cases],
  [swiglu, swiglu_cases],
  [swiglu_bwd, swiglu_bwd_cases],
  [gemmOp, gemm_cases],
  [grouped_gemm, grouped_gemm_cases],
  [grouped_gemm_bwd_w, grouped_gemm_bwd_w_cases],
  [castOp, cast_cases],
  [quantize_fp8, quantize_fp8_cases],
  [dequantize_fp8, dequantize_fp8_cases],
  [gemm_fp8, gemm_fp8_cases],
  [gemm_fp8_bwd_w, gemm_fp8_bwd_w_cases],
  [grouped_gemm_fp8, grouped_gemm_fp8_cases],
  [grouped_gemm_fp8_bwd_w, grouped_gemm_fp8_bwd_w_cases],
  [sort_by_key, sort_by_key_cases],
  [embeddingOp, embedding_cases],
  [embedding_bwd, embedding_bwd_cases],
  [moe_gate, moe_gate_cases],
  [moe_gate_bwd, moe_gate_bwd_cases],
  [moe_weights, moe_weights_cases],
  [moe_weights_bwd, moe_weights_bwd_cases],
  [moe_plan, moe_plan_cases],
  [moe_permute, moe_permute_cases],
  [moe_permute_bwd, moe_permute_bwd_cases],
  [moe_unpermute, moe_unpermute_cases],
  [moe_unpermute_bwd, moe_unpermute_bwd_cases],
  [moe_load, moe_load_cases],
  [bias_update, bias_update_cases],
  [balance_loss, balance_loss_cases],
]
