// One training run in a directory: resumes, trains, evaluates, checkpoints, and yields what happens as events.
// The caller shows the events (a terminal line, a web page) and stops the run through an AbortSignal.
import type { Device } from '../core/device.ts'
import { InputError } from '../core/errors.ts'
import type { Files } from '../io/files.ts'
import { bigramLoss, TokenData } from '../io/data.ts'
import { findCheckpoint, saveCheckpoint, CheckpointNotSaved } from './checkpoint.ts'
import { learningRate, type RunConfig } from './config.ts'
import { loadTrainer, saveTrainer, stateBytes } from './state.ts'
import { Trainer, type StepMetrics } from './trainer.ts'
import type { EvalRow, LoadRow, StepRow } from './metrics.ts'

export interface RunOptions {
  device: Device
  config: RunConfig
  /** Bytes or token ids of the whole text. */
  tokens: Uint8Array | Int32Array
  files: Files
  runDir: string
  /** Stops after the step in progress, with a checkpoint. */
  signal?: AbortSignal
  warn?: (message: string) => void
  /** Seconds from any start; only differences are used, for tokens/s. */
  clock?: () => number
}

export type RunEvent =
  | { event: 'start'; step: number; resumedFrom?: string; parameters: number }
  | StepRow | EvalRow | LoadRow
  | { event: 'checkpoint'; step: number; dir: string }
  | { event: 'stopped'; step: number }
  | { event: 'finished'; step: number; trainLoss: number; valLoss: number; bigramLoss: number; trainer: Trainer }

/** Steps in a row with a non-finite gradient before the run gives up; each such step leaves the weights alone. */
const maxSkippedSteps = 10
/** Failed saves in a row before the run gives up. */
const maxFailedSaves = 3

/** Runs to `config.train.steps` (or the signal). The caller holds the directory's lock. */
export async function* train(options: RunOptions): AsyncGenerator<RunEvent> {
  const { device, config, files, runDir, signal, warn = () => {} } = options
  const clock = options.clock ?? (() => performance.now() / 1000)
  const data = new TokenData(options.tokens, {
    sequenceLength: config.train.sequenceLength, vocabSize: config.model.vocab_size, seed: config.train.seed,
    validationFraction: config.data.validationFraction, extra: config.model.num_nextn_predict_layers ? 2 : 1,
  })
  const bigram = data.numValidationSequences ? bigramLoss(data.trainTokens, data.validationTokens) : NaN
  const trainer = new Trainer({ device, config, data })
  try {
    const found = await findCheckpoint(files, runDir, { warn })
    if (found) await loadTrainer(files, found.dir, trainer, warn)
    yield { event: 'start', step: trainer.step, resumedFrom: found?.dir, parameters: numParameters(trainer) }

    let saved = found?.step ?? -1
    let failedSaves = 0
    let skipped = 0
    let trainLoss = NaN
    const { steps, evalEvery, logEvery } = config.train
    const rate = new Rate(clock)

    /** A failed save is tried again with the next one; where none will come, the run must not end as if all were well. */
    const save = async function* (last: boolean): AsyncGenerator<RunEvent> {
      if (saved === trainer.step) return
      try {
        const dir = await saveCheckpoint(files, runDir, trainer.step, (dir, f) => saveTrainer(f, dir, trainer), { keep: config.checkpoint.keep, needBytes: stateBytes(trainer), warn })
        saved = trainer.step
        failedSaves = 0
        yield { event: 'checkpoint', step: trainer.step, dir }
      } catch (error) {
        if (!(error instanceof CheckpointNotSaved)) throw error
        failedSaves++
        if (last || failedSaves >= maxFailedSaves) {
          const newest = saved < 0 ? 'None was saved before' : `The newest checkpoint is step ${saved}: the same command goes on from there`
          throw new InputError(`${failedSaves > 1 ? `${failedSaves} saves in a row failed; last: ` : ''}${error.message} ${newest}.`)
        }
        warn(error.message)
      }
    }
    const rows = function* (m: StepMetrics): Generator<RunEvent> {
      skipped = Number.isFinite(m.gradNorm) && Number.isFinite(m.loss) ? 0 : skipped + 1
      if (skipped) warn(`step ${m.step}: loss ${m.loss}, gradient norm ${m.gradNorm}: weights left as they were (${skipped} in a row)`)
      if (skipped >= maxSkippedSteps) throw new InputError(`${skipped} steps in a row had a non-finite gradient; lower train.optimizer.lr, or go on from an older checkpoint`)
      trainLoss = m.loss
      const tokensPerSec = rate.tick(m.tokens)
      if (m.step % logEvery && m.step !== steps) return
      yield { event: 'step', step: m.step, loss: m.loss, lr: learningRate(config.train, m.step), gradNorm: m.gradNorm, tokensPerSec, expertLoadMaxOverMean: maxOverMean(m.load) }
      if (m.load.length) yield { event: 'load', step: m.step, load: m.load }
    }

    // One step's figures are read while the next step runs: the device never waits for the host.
    let inFlight: Promise<StepMetrics> | undefined
    while (trainer.step < steps && !signal?.aborted) {
      const queued = trainer.queueStep()
      // When the step before it fails, that error is told and nobody waits for this one.
      queued.catch(() => {})
      if (inFlight) yield* rows(await inFlight)
      inFlight = queued
      const evaluate = evalEvery > 0 && trainer.step % evalEvery === 0 && trainer.step < steps
      const checkpoint = config.checkpoint.every > 0 && trainer.step % config.checkpoint.every === 0
      if (!evaluate && !checkpoint) continue
      yield* rows(await inFlight)
      inFlight = undefined
      if (evaluate) yield { event: 'eval', step: trainer.step, valLoss: await trainer.evaluate(), bigramLoss: bigram }
      if (checkpoint) yield* save(trainer.step >= steps)
      rate.pause()
    }
    if (inFlight) yield* rows(await inFlight)
    yield* save(true)
    if (trainer.step < steps) {
      yield { event: 'stopped', step: trainer.step }
      return
    }
    const valLoss = await trainer.evaluate()
    yield { event: 'eval', step: trainer.step, valLoss, bigramLoss: bigram }
    yield { event: 'finished', step: trainer.step, trainLoss, valLoss, bigramLoss: bigram, trainer }
  } finally {
    trainer.release()
  }
}

/** Largest expert's tokens over the mean, of the worst layer. 1: even. */
export function maxOverMean(load: readonly (readonly number[])[]): number {
  return Math.max(1, ...load.map((layer) => {
    const total = layer.reduce((a, b) => a + b, 0)
    return total ? (Math.max(...layer) * layer.length) / total : 1
  }))
}

/** Tokens per second between ticks, over the last few steps. */
class Rate {
  private last: number
  private history: [tokens: number, seconds: number][] = []
  constructor(private readonly clock: () => number) { this.last = clock() }

  tick(tokens: number): number {
    const now = this.clock()
    this.history.push([tokens, Math.max(0, now - this.last)])
    if (this.history.length > 10) this.history.shift()
    this.last = now
    const seconds = this.history.reduce((a, [, s]) => a + s, 0)
    return seconds > 0 ? this.history.reduce((a, [n]) => a + n, 0) / seconds : 0
  }

  /** Time until now (evaluation, saving) is not training time. */
  pause(): void { this.last = this.clock() }
}

const numParameters = ({ model }: Trainer) => model.parameters.trainable.reduce((n, p) => n + p.tensor.numElements, 0)
