// The configuration of a whole run: sections model, train, data, checkpoint of one JSON file.
import { z } from 'zod'
import { InputError } from '../core/errors.ts'
import { didYouMean } from '../core/suggest.ts'
import { modelSchema, parseModelConfig, type ModelConfig } from '../model/config.ts'
import { checkRules, integer, keysAt, number, oneOf, readWithSchema, text } from '../model/schema.ts'

const step = () => integer(1, 1e9) // steps count from 1
const batch = () => integer(1, 1 << 20)

const trainSchema = z.strictObject({
  steps: step(), // of the whole run
  batchSize: batch(), // sequences per step, over all micro-batches and ranks
  batchRamp: z.array(z.strictObject({ step: step(), batchSize: batch() }, 'an object {step, batchSize}'), 'a list of {step, batchSize}').max(1000, 'a list of at most 1000').default([]), // from that step on
  sequenceLength: integer(1, 1 << 20), // tokens per sequence
  gradAccumulation: integer(1, 1 << 20).default(1), // micro-batches per step
  precision: oneOf('f32', 'bf16', 'fp8').default('f32'),
  optimizer: z.strictObject({
    lr: number(0, 10),
    beta1: number(0, 0.9999999).default(0.9),
    beta2: number(0, 0.9999999).default(0.95),
    eps: number(0, 1, true).default(1e-8),
    weightDecay: number(0, 10).default(0.1), // decoupled
    clip: number(0, 1e9, true).default(1), // largest global gradient norm
  }, 'an object with at least lr'),
  schedule: z.strictObject({
    warmupSteps: integer(0, 1e9).default(0), // linear from 0
    kind: oneOf('constant', 'cosine').default('constant'),
    decayStart: integer(0, 1e9).optional(), // last step at the full rate; default: the end of the warm-up
    decayEnd: integer(1, 1e9).optional(), // first step at finalLr; default: steps
    finalLr: number(0, 10).optional(), // default: a tenth of lr
    tail: z.array(z.strictObject({ step: step(), lr: number(0, 10) }, 'an object {step, lr}'), 'a list of {step, lr}').max(1000, 'a list of at most 1000').default([]), // from that step on
  }, 'an object').prefault({}),
  seed: integer(0, 2 ** 32 - 1).default(1),
  balance: z.strictObject({
    biasUpdateSpeed: number(0, 1).default(0.001), // gamma
    biasUpdateUntil: integer(0, 1e9).optional(), // last step with gamma; default: always
    sequenceLossAlpha: number(0, 10).default(1e-4),
  }, 'an object').prefault({}),
  mtpLossWeight: number(0, 100).default(0.3), // lambda
  mtpLossRamp: z.array(z.strictObject({ step: step(), weight: number(0, 100) }, 'an object {step, weight}'), 'a list of {step, weight}').max(1000, 'a list of at most 1000').default([]), // from that step on
  initializerRange: number(0, 10, true).default(0.006), // standard deviation of fresh weights
  evalEvery: integer(0, 1e9).default(100), // 0: only at the end
  evalBatches: integer(1, 1e6).default(8),
  logEvery: step().default(1),
}, 'an object with at least steps, batchSize, sequenceLength and optimizer')

const dataSchema = z.strictObject({
  kind: oneOf('kjv', 'files').optional(), // default: files where paths are given, otherwise kjv
  paths: z.array(text(), 'a list of paths').max(100_000, 'a list of at most 100000 paths').default([]), // files, folders, .jsonl
  field: text().default('text'), // of each .jsonl line
  tokenizer: oneOf('bytes').default('bytes'),
  validationFraction: number(0, 0.5).default(0.05), // the tail of the tokens
}, 'an object')

const checkpointSchema = z.strictObject({
  every: integer(0, 1e9).default(100), // steps; 0: only at the end
  keep: integer(2, 1e6).default(3), // newest ones; never one alone: it may turn out to be unreadable
}, 'an object')

const runSchema = z.strictObject({
  model: modelSchema,
  train: trainSchema,
  data: dataSchema.prefault({}),
  checkpoint: checkpointSchema.prefault({}),
}, 'an object with the sections model, train, data, checkpoint')

export type TrainConfig = z.output<typeof trainSchema>
export type DataConfig = z.output<typeof dataSchema> & { kind: 'kjv' | 'files' }
export type CheckpointConfig = z.output<typeof checkpointSchema>
export interface RunConfig { model: ModelConfig; train: TrainConfig; data: DataConfig; checkpoint: CheckpointConfig }

/**
 * Reads a run's configuration with all defaults filled in; reading the result again gives the same.
 * `where` names the file. Throws InputError, one line per problem, each with its key path.
 */
export function parseRunConfig(json: unknown, where: string): RunConfig {
  const read = readWithSchema(runSchema, json, where)
  const model = parseModelConfig(read.model, where, ['model'])
  const data: DataConfig = { ...read.data, kind: read.data.kind ?? (read.data.paths.length > 0 ? 'files' : 'kjv') }
  const { train } = read
  const { schedule, optimizer } = train
  const batches = [['train.batchSize', train.batchSize] as const, ...train.batchRamp.map((r, i) => [`train.batchRamp[${i}].batchSize`, r.batchSize] as const)]
  checkRules([
    [train.sequenceLength <= model.max_position_embeddings, 'train.sequenceLength', `is ${train.sequenceLength}; it must be at most model.max_position_embeddings, ${model.max_position_embeddings}`],
    ...batches.map(([path, size]) => [size % train.gradAccumulation === 0, path, `is ${size}; it must be a multiple of train.gradAccumulation, ${train.gradAccumulation}`] as const),
    [increases(train.batchRamp), 'train.batchRamp', 'has steps out of order; each must be above the one before'],
    [increases(train.mtpLossRamp), 'train.mtpLossRamp', 'has steps out of order; each must be above the one before'],
    [increases(schedule.tail), 'train.schedule.tail', 'has steps out of order; each must be above the one before'],
    [schedule.decayEnd === undefined || schedule.decayEnd > (schedule.decayStart ?? schedule.warmupSteps), 'train.schedule.decayEnd', `is ${schedule.decayEnd}; it must be above the start of the decay, ${schedule.decayStart ?? schedule.warmupSteps}`],
    [schedule.decayStart === undefined || schedule.decayStart >= schedule.warmupSteps, 'train.schedule.decayStart', `is ${schedule.decayStart}; it must be at least warmupSteps, ${schedule.warmupSteps}`],
    [schedule.finalLr === undefined || schedule.finalLr <= optimizer.lr, 'train.schedule.finalLr', `is ${schedule.finalLr}; it must be at most train.optimizer.lr, ${optimizer.lr}`],
    [model.vocab_size >= 256, 'model.vocab_size', `is ${model.vocab_size}; the tokenizer "bytes" needs at least 256`],
    [data.kind === 'files' || data.paths.length === 0, 'data.paths', 'is given, but data.kind is "kjv"; set data.kind to "files" or leave it out'],
    [data.kind === 'kjv' || data.paths.length > 0, 'data.paths', 'is empty; data.kind "files" needs at least one file or folder'],
  ], where)
  return { model, train, data, checkpoint: read.checkpoint }
}

function increases(ramp: readonly { step: number }[]): boolean {
  return ramp.every((entry, i) => i === 0 || entry.step > ramp[i - 1].step)
}

/**
 * A copy of the configuration with one `--set train.optimizer.lr=1e-3` applied. The value is JSON, or a string where
 * it is not JSON; whether it fits is `parseRunConfig`'s to say. Throws InputError for a path that no configuration has.
 */
export function applySet(json: unknown, assignment: string): unknown {
  const where = `--set ${assignment.slice(0, 100)}`
  const equals = assignment.indexOf('=')
  if (equals < 1) throw new InputError(`${where}: it must be path=value, like checkpoint.every=4`)
  const path = assignment.slice(0, equals).split('.')
  path.forEach((key, i) => {
    const parent = path.slice(0, i)
    const known = keysAt(runSchema, parent)
    if (!known) throw new InputError(`${where}: ${parent.join('.')} has no keys; set it as a whole: ${parent.join('.')}={...}`)
    if (!known.includes(key)) throw new InputError(`${where}: ${path.slice(0, i + 1).join('.')} is not a known key${didYouMean(key, known)}`)
  })
  let value: unknown = assignment.slice(equals + 1)
  try { value = JSON.parse(value as string) } catch { /* a plain word is a string */ }
  return withValue(json, path, value)
}

function withValue(json: unknown, path: readonly string[], value: unknown): unknown {
  if (path.length === 0) return value
  const object = typeof json === 'object' && json !== null && !Array.isArray(json) ? (json as Record<string, unknown>) : {}
  return { ...object, [path[0]]: withValue(object[path[0]], path.slice(1), value) }
}

/** Learning rate of a step (counted from 1): linear warm-up, full rate, cosine decay from decayStart to decayEnd, tail. */
export function learningRate(train: Pick<TrainConfig, 'steps' | 'optimizer' | 'schedule'>, step: number): number {
  const { warmupSteps, kind, decayStart = warmupSteps, decayEnd = train.steps, finalLr = train.optimizer.lr / 10, tail } = train.schedule
  const { lr } = train.optimizer
  const set = atStep(tail, step)
  if (set) return set.lr
  if (step < warmupSteps) return (lr * step) / warmupSteps
  if (kind === 'constant' || step <= decayStart) return lr
  if (step >= decayEnd) return finalLr
  return finalLr + ((lr - finalLr) * (1 + Math.cos((Math.PI * (step - decayStart)) / (decayEnd - decayStart)))) / 2
}

/** Sequences in a step (counted from 1). */
export function batchSizeAt(train: Pick<TrainConfig, 'batchSize' | 'batchRamp'>, step: number): number {
  return atStep(train.batchRamp, step)?.batchSize ?? train.batchSize
}

/** Weight lambda of the multi-token-prediction loss in a step (counted from 1). */
export function mtpLossWeightAt(train: Pick<TrainConfig, 'mtpLossWeight' | 'mtpLossRamp'>, step: number): number {
  return atStep(train.mtpLossRamp, step)?.weight ?? train.mtpLossWeight
}

/** Bias update speed gamma in a step (counted from 1): 0 once the updates have ended. */
export function biasUpdateSpeedAt(train: Pick<TrainConfig, 'balance'>, step: number): number {
  return step > (train.balance.biasUpdateUntil ?? Infinity) ? 0 : train.balance.biasUpdateSpeed
}

function atStep<T extends { step: number }>(ramp: readonly T[], step: number): T | undefined {
  return ramp.findLast((entry) => entry.step <= step)
}
