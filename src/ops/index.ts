// Every op with its parity cases, one line each. To add an op: its files, and its line here and in shaders/index.ts.
import type { Op, OpCase } from '../core/op.ts'
import { rms_norm } from './rms_norm.ts'
import { rms_norm_bwd } from './rms_norm_bwd.ts'
import { rms_norm_bwd_w } from './rms_norm_bwd_w.ts'
import { rms_norm_cases, rms_norm_bwd_cases, rms_norm_bwd_w_cases } from './rms_norm.cases.ts'

export const ops: readonly (readonly [Op, readonly OpCase[]])[] = [
  [rms_norm, rms_norm_cases],
  [rms_norm_bwd, rms_norm_bwd_cases],
  [rms_norm_bwd_w, rms_norm_bwd_w_cases],
]
