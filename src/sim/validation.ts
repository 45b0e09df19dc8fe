// What was published beside what `weft plan` says: which rows a constant was fitted to, which ones are predicted. Sources in
// deepseek-v3.md: the step table is arXiv 2505.09343 table 4, the training trace deepseek-ai/profile-data.
import { replay, unitCosts } from '../schedule/replay.ts'
import { makeSchedule, type ScheduleKind } from '../schedule/index.ts'
import { allToAll } from './all_to_all.ts'
import { LayerCosts } from './layer.ts'
import { simulate } from './plan.ts'
import { trafficOf } from './routing.ts'
import type { PlanSpec } from './spec.ts'

export interface ValidationRow { readonly source: string; readonly what: string; readonly unit: string; readonly published: number; readonly simulated: number; readonly kind: 'fitted' | 'predicted' }

export const errorOf = ({ published, simulated }: ValidationRow): number => simulated / published - 1

/** `deepseek`: the shipped plan of 2,048 H800; `megatron`: that of 1,024 H100. */
export function validate(deepseek: PlanSpec, megatron: PlanSpec): ValidationRow[] {
  const { plan } = simulate(deepseek)
  const { forward, backwardInput, weight, overlapped, bubble, optimizer } = plan.partsSec
  const row = (source: string) => (what: string, unit: string, published: number, simulated: number, kind: ValidationRow['kind'] = 'predicted'): ValidationRow => ({ source, what, unit, published, simulated, kind })
  const step = row('step table'), report = row('technical report'), trace = row('training trace'), deepEp = row('DeepEP'), isca = row('ISCA figure 7')
  const layer = new LayerCosts(deepseek)
  const [H, F, rows, T] = [deepseek.model.hidden_size, deepseek.model.moe_intermediate_size, layer.tokens * deepseek.model.num_experts_per_tok, layer.tokens]
  const gemm = (M: number, N: number, K: number, groups = 1) => layer.linear(M, N, K, groups)
  const bandwidth = (ep: number) => { const spec = { ...deepseek, layout: { ...deepseek.layout, ep } }; return allToAll(spec, trafficOf(spec)) }
  const idle = (kind: ScheduleKind, P: number, M: number) => { const r = replay(makeSchedule(kind, P, M), unitCosts); return r.makespan - Math.max(...r.busy) }
  return [
    step('1F', 's', 1.13, forward, 'fitted'), step('1B', 's', 1.99, backwardInput, 'fitted'), step('bubble', 's', 2.06, bubble, 'fitted'),
    step('1W', 's', 0.48, weight), step('1F1B', 's', 13.95, overlapped), step('optimizer', 's', 0.29, optimizer), step('step', 's', 19.926, plan.stepTimeSec),
    step('tokens a day', 'B', 272.8, plan.tokensPerDay / 1e9), step('causal rate', 'TFLOP/s', 385, plan.tflopsCausal), step('non-causal rate', 'TFLOP/s', 432, plan.tflopsNonCausal),
    step('MFU causal', '%', 38.94, 100 * plan.mfuCausal), step('MFU non-causal', '%', 43.73, 100 * plan.mfuNonCausal),
    report('a trillion tokens', 'K GPU-hours', 180, plan.gpuHoursPerTrillionTokens / 1e3), report('14.8 T tokens', 'M GPU-hours', 2.664, plan.gpuHours / 1e6),
    deepEp('dispatch EP 8', 'GB/s', 153, bandwidth(8).dispatchBytesPerSec / 1e9, 'fitted'), deepEp('dispatch EP 16', 'GB/s', 43, bandwidth(16).dispatchBytesPerSec / 1e9, 'fitted'),
    deepEp('dispatch EP 64', 'GB/s', 51, bandwidth(64).dispatchBytesPerSec / 1e9, 'fitted'), deepEp('dispatch EP 32', 'GB/s', 58, bandwidth(32).dispatchBytesPerSec / 1e9),
    deepEp('combine EP 8', 'GB/s', 158, bandwidth(8).combineBytesPerSec / 1e9), deepEp('combine EP 16', 'GB/s', 43, bandwidth(16).combineBytesPerSec / 1e9),
    deepEp('combine EP 32', 'GB/s', 57, bandwidth(32).combineBytesPerSec / 1e9), deepEp('combine EP 64', 'GB/s', 50, bandwidth(64).combineBytesPerSec / 1e9),
    isca('dispatch EP 128', 'GB/s', 45.34, bandwidth(128).dispatchBytesPerSec / 1e9), isca('combine EP 128', 'GB/s', 41.6, bandwidth(128).combineBytesPerSec / 1e9),
    trace('attention forward', 'ms', 1.25, 1e3 * layer.attentionCore().forward, 'fitted'), trace('attention backward', 'ms', 4.07, 1e3 * layer.attentionCore().input, 'fitted'),
    trace('grouped gate-up forward', 'ms', 1.74, 1e3 * gemm(rows, 2 * F, H, 4).forward), trace('grouped down forward', 'ms', 0.95, 1e3 * gemm(rows, H, F, 4).forward),
    trace('grouped down dgrad', 'ms', 0.93, 1e3 * gemm(rows, H, F, 4).input), trace('grouped gate-up dgrad', 'ms', 2.16, 1e3 * gemm(rows, 2 * F, H, 4).input),
    trace('o_proj forward', 'ms', 0.9, 1e3 * gemm(T, H, 16384).forward), trace('o_proj wgrad', 'ms', 1.47, 1e3 * gemm(T, H, 16384).weight),
    trace('combine, beside computation', 'ms', 6.2, 1e3 * plan.allToAll.combineSec * deepseek.efficiency.contention, 'fitted'),
    trace('dispatch of gradients, beside computation', 'ms', 3.35, 1e3 * plan.allToAll.dispatchSec * deepseek.efficiency.contention), trace('dispatch forward, beside computation', 'ms', 4.4, 1e3 * plan.allToAll.dispatchSec * deepseek.efficiency.contention),
    row('Megatron-Core')('DeepSeek-V3 on 1,024 H100', 'tokens/s/GPU', 1297, simulate(megatron).plan.tokensPerSecPerGpu),
    ...([[8, 20], [16, 120]] as const).flatMap(([P, M]) => [
      row('bubble formula')(`1F1B, PP ${P}`, 'units', (P - 1) * 3, idle('1f1b', P, M)), row('bubble formula')(`ZB1P, PP ${P}`, 'units', P - 1, idle('zb1p', P, M)),
      row('bubble formula')(`DualPipe, PP ${P}`, 'units', (P / 2 - 1) * 2, idle('dualpipe', P, M)),
    ]),
  ]
}
