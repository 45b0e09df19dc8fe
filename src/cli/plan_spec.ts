// Reads the description of a cluster for `weft plan`: presets/plans/<name>.json or a file, then --set overrides.
import { readdirSync } from 'node:fs'
import { basename, join } from 'node:path'
import { z } from 'zod'
import { InputError } from '../core/errors.ts'
import { didYouMean } from '../core/suggest.ts'
import { parseModelConfig } from '../model/config.ts'
import { integer, keysAt, number, oneOf, readWithSchema, text } from '../model/schema.ts'
import { scheduleKinds } from '../schedule/index.ts'
import { fitted, type Efficiency, type PlanSpec } from '../sim/spec.ts'
import { readJsonFile, readTextFile } from './json_file.ts'
import { findConfig, presetsDir } from './run_config.ts'

const rate = () => number(0, 1e21, true)
const planSchema = z.strictObject({
  cluster: z.strictObject({
    gpu: z.strictObject({ name: text(), numSms: integer(1, 4096), bf16FlopPerSec: rate(), fp8FlopPerSec: rate(), memoryBytesPerSec: rate(), memoryBytes: rate() }),
    nodes: integer(1, 1 << 20), gpusPerNode: integer(1, 1024),
    nvlinkBytesPerSec: rate(), networkBytesPerSec: rate(), nvlinkLatencySec: number(0, 1), networkLatencySec: number(0, 1),
    dollarsPerGpuHour: number(0, 1e6).default(0),
  }),
  model: z.union([z.string(), z.record(z.string(), z.unknown())]),
  layout: z.strictObject({
    pp: integer(1, 4096), ep: integer(1, 65536), tp: integer(1, 1024).default(1), zero: oneOf(0, 1).default(1),
    microBatch: integer(1, 1 << 20).default(1), globalBatch: integer(1, 1 << 30), sequenceLength: integer(1, 1 << 24),
  }),
  precision: oneOf('fp8', 'bf16').default('fp8'),
  schedule: z.strictObject({ kind: oneOf(...scheduleKinds), chunks: integer(1, 64).default(2) }),
  communicationSms: integer(0, 4096).default(20),
  routing: z.strictObject({
    kind: oneOf('balanced', 'skewed', 'replay').default('balanced'), sigma: number(0, 10).optional(), seed: integer(0, 1 << 30).optional(),
    loads: z.array(z.array(z.number())).optional(), metrics: text().optional(), replicasPerGpu: integer(0, 64).optional(),
  }).default({ kind: 'balanced' }),
  recompute: oneOf('none', 'selective', 'full').default('selective'),
  stragglers: z.strictObject({ fraction: number(0, 1), slowdown: number(1, 100) }).optional(),
  tokenBudget: rate().default(1e12),
  efficiency: z.strictObject(Object.fromEntries(Object.keys(fitted).map((key) => [key, number(0, 1e15)])) as Record<keyof Efficiency, ReturnType<typeof number>>).partial().default({}),
})

const plansDir = () => join(presetsDir(), 'plans')
export const planNames = () => readdirSync(plansDir()).filter((f) => f.endsWith('.json')).map((f) => basename(f, '.json')).sort()

export function readPlan({ preset, config, set }: { preset?: string; config?: string; set: readonly string[] }): PlanSpec {
  if (preset !== undefined && config !== undefined) throw new InputError('give --preset or --config, not both')
  if (config === undefined && !planNames().includes(preset ?? '')) throw new InputError(`no plan "${preset ?? ''}"${didYouMean(preset ?? '', planNames())}; plans are ${planNames().join(', ')}`)
  const where = config ?? join(plansDir(), `${preset}.json`)
  const json = set.reduce(setValue, readJsonFile(where))
  const { model, efficiency, routing: { metrics, ...routing }, ...rest } = readWithSchema(planSchema, json, where)
  const source = typeof model === 'string' ? (findConfig({ preset: model }).json as { model: unknown }).model : model
  const loads = metrics === undefined ? routing.loads : loadsOf(metrics)
  if (routing.kind === 'replay' && !loads?.length) throw new InputError(`${where}: routing.kind is "replay"; it needs routing.loads, [layers][experts], or routing.metrics, the metrics.jsonl of a run`)
  const spec: PlanSpec = { ...rest, model: parseModelConfig(source, typeof model === 'string' ? `presets/${model}.json` : where, ['model']), routing: { ...routing, loads }, efficiency: { ...fitted, ...efficiency } }
  for (const [i, load] of (loads ?? []).entries()) {
    if (load.length !== spec.model.n_routed_experts) throw new InputError(`${where}: routing.loads[${i}] has ${load.length} experts, the model ${spec.model.n_routed_experts}`)
  }
  return spec
}

/** `--set layout.ep=32`; the value is JSON or a plain word. */
function setValue(json: unknown, assignment: string): unknown {
  const [, path, value] = /^([\w.]+)=(.*)$/s.exec(assignment) ?? []
  if (!path) throw new InputError(`--set ${assignment}: it must be path=value, like layout.ep=32`)
  const keys = path.split('.')
  keys.forEach((key, i) => {
    const known = keysAt(planSchema, keys.slice(0, i))
    if (known && !known.includes(key)) throw new InputError(`--set ${assignment}: ${keys.slice(0, i + 1).join('.')} is not a known key${didYouMean(key, known)}`)
  })
  let parsed: unknown = value
  try { parsed = JSON.parse(value) } catch { /* a plain word is a string */ }
  return withValue(json, keys, parsed)
}

/** A copy with the value at the path. */
export function withValue<T>(json: T, path: readonly string[], value: unknown): T {
  const [key, ...rest] = path
  return { ...json, [key]: rest.length ? withValue((json as Record<string, unknown> | undefined)?.[key] ?? {}, rest, value) : value } as T
}

/** Loads of the last step that a run recorded. */
function loadsOf(file: string): number[][] {
  const lines = readJsonLines(file)
  const load = lines.map((l) => (l as { load?: number[][] }).load).filter((l) => l !== undefined).at(-1)
  if (!load) throw new InputError(`${file}: no line has "load", tokens per expert of each layer`)
  return load
}
function readJsonLines(file: string): unknown[] {
  return readTextFile(file).split('\n').filter(Boolean).map((line, i) => { try { return JSON.parse(line) } catch (error) { throw new InputError(`${file}:${i + 1} is not JSON: ${(error as Error).message}`) } })
}
