// Every WGSL kernel, one line each.
import type { WgslKernel } from '../src/core/kernel.ts'
import { rms_norm } from './rms_norm.ts'
import { rms_norm_bwd } from './rms_norm_bwd.ts'
import { rms_norm_bwd_w } from './rms_norm_bwd_w.ts'

const kernels: WgslKernel[] = [
  rms_norm,
  rms_norm_bwd,
  rms_norm_bwd_w,
]

export const wgslKernels: ReadonlyMap<string, WgslKernel> = new Map(kernels.map((k) => [k.op, k]))
