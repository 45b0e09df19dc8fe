// weft plan: times one training step of a described cluster, compares schedules, sweeps a setting.
import { writeFileSync } from 'node:fs'
import { InputError } from '../../core/errors.ts'
import { scheduleKinds } from '../../schedule/index.ts'
import { compare, simulate, type Compared, type Plan } from '../../sim/plan.ts'
import { PlanError, type PlanSpec } from '../../sim/spec.ts'
import { traceOf } from '../../sim/trace.ts'
import { errorOf, validate, type ValidationRow } from '../../sim/validation.ts'
import { parseOptions } from '../options.ts'
import { readPlan, withValue } from '../plan_spec.ts'
import { renderSweep, type SweepPoint } from '../sweep_report.ts'

export async function run(args: string[]): Promise<number> {
  const options = parseOptions('plan', args, {
    preset: { type: 'string' }, config: { type: 'string' }, set: { type: 'string', multiple: true, default: [] as string[] },
    trace: { type: 'string' }, compare: { type: 'boolean', default: false }, sweep: { type: 'string' }, validate: { type: 'boolean', default: false }, out: { type: 'string', default: 'sweep.html' }, json: { type: 'boolean', default: false },
  })
  const preset = options.preset ?? (options.config === undefined ? 'deepseek-v3-2048xh800' : undefined)
  const spec = readPlan({ ...options, preset })
  const print = (json: unknown, text: string) => process.stdout.write(options.json ? `${JSON.stringify(json)}\n` : text)
  if (options.validate) {
    const rows = validate(readPlan({ preset: 'deepseek-v3-2048xh800', set: [] }), readPlan({ preset: 'megatron-1024xh100', set: [] }))
    print(rows.map((r) => ({ ...r, error: errorOf(r) })), showValidation(rows))
    return 0
  }
  if (options.compare) {
    const all = compareAll(spec)
    print(all, showComparison(spec, all))
    return 0
  }
  if (options.sweep !== undefined) {
    const points = sweep(spec, options.sweep)
    writeFileSync(options.out, renderSweep(options.sweep, points))
    print(points, `${points.map((p) => `${p.value}: ${p.plan ? `${p.plan.stepTimeSec.toFixed(3)} s a step, ${p.plan.tokensPerSecPerGpu.toFixed(0)} tokens/s/GPU` : p.why}`).join('\n')}\ndrawn in ${options.out}\n`)
    return 0
  }
  const simulated = simulate(spec)
  if (options.trace !== undefined) writeFileSync(options.trace, JSON.stringify(traceOf(simulated)))
  print(simulated.plan, describe(spec, simulated.plan) + (options.trace === undefined ? '' : `trace for ui.perfetto.dev: ${options.trace}\n`))
  return 0
}

const seconds = (x: number) => `${x.toFixed(3)} s`
const bytes = (n: number) => (n >= 1e12 ? `${(n / 1e12).toFixed(2)} TB` : `${(n / 1e9).toFixed(2)} GB`)

function describe({ cluster, layout, schedule, precision, communicationSms }: PlanSpec, p: Plan): string {
  const worst = p.memoryBytesPerRank.reduce((a, b) => (b.total > a.total ? b : a))
  const parts = Object.entries(p.partsSec).map(([name, sec]) => `  ${name.padEnd(15)}${seconds(sec).padStart(10)}  ${'#'.repeat(Math.round(50 * sec / p.stepTimeSec))}`)
  return `${p.numGpus} ${cluster.gpu.name}, PP ${layout.pp} x EP ${layout.ep} x TP ${layout.tp}, ${precision}, ${schedule.kind} with ${p.microBatches} micro-batches, ${communicationSms} SMs communicate
step ${seconds(p.stepTimeSec)}
${parts.join('\n')}
tokens         ${(p.tokensPerDay / 1e9).toFixed(1)} B a day, ${p.tokensPerSecPerGpu.toFixed(0)} a second and GPU
rate           ${p.tflopsCausal.toFixed(0)} TFLOP/s causal (MFU ${(100 * p.mfuCausal).toFixed(2)} %), ${p.tflopsNonCausal.toFixed(0)} non-causal (${(100 * p.mfuNonCausal).toFixed(2)} %)
cost           ${(p.gpuHoursPerTrillionTokens / 1e3).toFixed(1)} K GPU-hours a trillion tokens; the budget: ${(p.gpuHours / 1e6).toFixed(3)} M GPU-hours, ${(p.dollars / 1e6).toFixed(2)} M dollars
all-to-all     dispatch ${(1e3 * p.allToAll.dispatchSec).toFixed(2)} ms, combine ${(1e3 * p.allToAll.combineSec).toFixed(2)} ms; a token's experts lie on ${p.traffic.nodes.toFixed(2)} nodes; busiest GPU ${p.traffic.imbalance.toFixed(2)} x the mean
bytes a GPU    network ${bytes(p.bytesPerStep.network)}, NVLink ${bytes(p.bytesPerStep.nvlink)}, pipeline ${bytes(p.bytesPerStep.pipeline)}, gradients ${bytes(p.bytesPerStep.gradients)} a step
memory         ${bytes(worst.total)} at the fullest rank: ${Object.entries(worst).filter(([k]) => k !== 'total').map(([k, v]) => `${k} ${bytes(v as number)}`).join(', ')}
`
}

/** A Markdown table, as the README shows it. */
function showValidation(rows: readonly ValidationRow[]): string {
  const number = (x: number) => (x >= 100 ? x.toFixed(1) : x.toFixed(3))
  const lines = rows.map((r) => `| ${r.source} | ${r.what} | ${number(r.published)} ${r.unit} | ${number(r.simulated)} | ${r.kind === 'fitted' ? 'fitted' : `${(100 * errorOf(r)).toFixed(1)} %`} |`)
  const predicted = rows.filter((r) => r.kind === 'predicted')
  const within = predicted.filter((r) => Math.abs(errorOf(r)) <= 0.05).length
  return `| source | row | published | simulated | error |\n|---|---|---|---|---|\n${lines.join('\n')}\n\n${within} of ${predicted.length} predicted rows within 5 %\n`
}

interface Comparison { equalDevices: Compared[]; equalParameters: Compared[] }

/** At equal devices as the spec says; at equal parameter memory, schedules that hold the model once get half of the pipeline's ranks. */
function compareAll(spec: PlanSpec): Comparison {
  const twice = (kind: string) => kind === 'dualpipe' || kind === 'dualpipev'
  const half: PlanSpec = { ...spec, layout: { ...spec.layout, pp: spec.layout.pp / 2 } }
  const equalParameters = spec.layout.pp % 2 ? [] : scheduleKinds.flatMap((kind) => compare(twice(kind) ? spec : half, [kind]))
  return { equalDevices: compare(spec, scheduleKinds), equalParameters }
}

function showComparison(spec: PlanSpec, { equalDevices, equalParameters }: Comparison): string {
  const table = (list: readonly Compared[]) => list.map(({ kind, plan, why }) => `  ${kind.padEnd(22)}${plan
    ? `${seconds(plan.stepTimeSec)}  bubble ${seconds(plan.partsSec.bubble)}  ${plan.tokensPerSecPerGpu.toFixed(0).padStart(6)} tokens/s/GPU  memory ${bytes(Math.max(...plan.memoryBytesPerRank.map((m) => m.total)))}` : why}\n`).join('')
  return `at equal devices (PP ${spec.layout.pp}):\n${table(equalDevices)}${equalParameters.length ? `at equal parameter memory (PP ${spec.layout.pp} where a rank holds two copies' worth, PP ${spec.layout.pp / 2} elsewhere):\n${table(equalParameters)}` : ''}`
}

const shortNames: Readonly<Record<string, string>> = { sms: 'communicationSms', pp: 'layout.pp', ep: 'layout.ep', tp: 'layout.tp', nodes: 'cluster.nodes', batch: 'layout.globalBatch', sigma: 'routing.sigma' }

/** `sms=4..32` (all whole numbers), `sms=4..32:4` (steps of 4), `ep=8,16,32`. */
function sweep(spec: PlanSpec, text: string): SweepPoint[] {
  const [, name, list] = /^([\w.]+)=(.+)$/.exec(text) ?? []
  const bad = (): never => { throw new InputError(`weft plan: --sweep is "${text}"; it must be like sms=4..32, sms=4..32:4 or layout.ep=8,16,32`) }
  if (!name) return bad()
  const range = /^(\d+)\.\.(\d+)(?::(\d+))?$/.exec(list)
  const values = range ? Array.from({ length: Math.max(0, Math.floor((Number(range[2]) - Number(range[1])) / Number(range[3] ?? 1)) + 1) }, (_, i) => Number(range[1]) + i * Number(range[3] ?? 1)) : list.split(',').map(Number)
  if (!values.length || values.length > 1000 || values.some((v) => !Number.isFinite(v))) return bad()
  const path = shortNames[name] ?? name
  const parts = path.split('.')
  if (typeof parts.reduce((o: unknown, k) => (o as Record<string, unknown> | undefined)?.[k], spec) !== 'number') throw new InputError(`weft plan: --sweep names ${path}, which is no number of the plan; known for short: ${Object.keys(shortNames).join(', ')}`)
  return values.map((value) => {
    try { return { value, plan: simulate(withValue(spec, parts, value)).plan } } catch (error) {
      if (error instanceof PlanError || (error as Error).name === 'ScheduleError') return { value, why: (error as Error).message }
      throw error
    }
  })
}
