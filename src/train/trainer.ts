// One optimizer step at a time: batch, forward, backward, clip, AdamW, balancing bias. Knows no files and no clock.
import type { Device } from '../core/device.ts'
import type { Tensor } from '../core/tensor.ts'
import type { Cursor, TokenData } from '../io/data.ts'
import { lasting } from '../model/parameters.ts'
import { Model } from '../model/transformer.ts'
import { AdamW } from './adamw.ts'
import { batchSizeAt, biasUpdateSpeedAt, learningRate, mtpLossWeightAt, type RunConfig } from './config.ts'

export interface StepMetrics {
  step: number // counted from 1
  loss: number // nats per token: the main loss, without MTP and balance
  gradNorm: number // before clipping
  tokens: number
  /** Tokens that each expert got in this step: [MoE layers][experts]. */
  load: number[][]
}

/** What a step is about to do; `--dry-run` sorts memory by it. */
export type Phase = 'weights' | 'moments' | 'forward' | 'backward' | 'update'

export interface TrainerOptions {
  device: Device
  config: RunConfig
  data: TokenData
  /** false: weights stay undefined, for those who load them or only count bytes. Default true. */
  initialize?: boolean
  onPhase?: (phase: Phase) => void
}

export class Trainer {
  readonly device: Device
  readonly config: RunConfig
  readonly data: TokenData
  readonly model: Model
  readonly optimizer: AdamW
  /** Optimizer steps done. */
  step = 0
  cursor: Cursor = { epoch: 0, offset: 0 }

  private readonly onPhase: (phase: Phase) => void

  constructor({ device, config, data, initialize = true, onPhase = () => {} }: TrainerOptions) {
    this.onPhase = onPhase
    this.device = device
    this.config = config
    this.data = data
    onPhase('weights')
    this.model = new Model(device, config.model, { recipe: config.train.precision })
    if (initialize) this.model.initialize(config.train.seed, config.train.initializerRange)
    const { beta1, beta2, eps, weightDecay, clip } = config.train.optimizer
    onPhase('moments')
    this.optimizer = new AdamW(this.model.parameters, { beta1, beta2, eps, weightDecay, clip, moments: config.train.precision === 'f32' ? 'f32' : 'bf16' })
  }

  /** Queues one step and returns at once; the promise gives its figures, read back in one transfer. */
  queueStep(): Promise<StepMetrics> {
    const { train } = this.config
    const step = this.step + 1
    const batchSize = batchSizeAt(train, step)
    const batch = this.data.batch(this.cursor, batchSize)
    const seqLen = train.sequenceLength
    const perMicro = batchSize / train.gradAccumulation
    const metrics = this.device.scope(() => {
      const totals: Tensor[] = []
      for (let micro = 0; micro < train.gradAccumulation; micro++) {
        const rows = (a: Int32Array) => a.subarray(micro * perMicro * seqLen, (micro + 1) * perMicro * seqLen)
        this.onPhase('forward')
        totals.push(this.device.scope(() => {
          const { result, tape } = this.device.record(() => this.model.loss({
            ids: rows(batch.ids), targets: rows(batch.targets), mtpTargets: batch.mtpTargets ? rows(batch.mtpTargets) : undefined,
            batch: perMicro, seqLen, count: batchSize * seqLen, mtpCount: batchSize * seqLen,
            mtpWeight: mtpLossWeightAt(train, step), balanceAlpha: train.balance.sequenceLossAlpha / train.gradAccumulation,
          }))
          this.onPhase('backward')
          tape.backward(result.roots)
          return result.loss
        }))
      }
      this.onPhase('update')
      const norm = this.optimizer.step(learningRate(train, step))
      const loads = this.model.moeLayers.map((moe) => moe.load)
      const read = this.device.read([...totals, norm, ...loads])
      this.model.updateBiases(biasUpdateSpeedAt(train, step))
      return { read, numTotals: totals.length }
    })
    this.step = step
    this.cursor = batch.cursor
    return metrics.read.then((values) => ({
      step,
      loss: values.slice(0, metrics.numTotals).reduce((sum, v) => sum + v[0], 0),
      gradNorm: values[metrics.numTotals][0],
      tokens: batchSize * seqLen,
      load: values.slice(metrics.numTotals + 1).map((v) => [...v]),
    }))
  }

  /** Mean next-token cross-entropy on the held-back text, nats per token; NaN when none is held back. */
  async evaluate(): Promise<number> {
    const { train } = this.config
    const batches = this.data.validationBatches(Math.max(1, train.batchSize / train.gradAccumulation), train.evalBatches)
    let sum = 0
    for (const b of batches) {
      const total = lasting(this.device, () => this.model.loss({ ids: b.ids, targets: b.targets, batch: b.numSequences, seqLen: train.sequenceLength, countLoad: false }).loss)
      sum += (await total.read())[0]
      total.release()
    }
    return batches.length ? sum / batches.length : NaN
  }

  release(): void {
    this.optimizer.release()
    this.model.release()
  }
}
