// Training-step rows: tokens a second of whole optimizer steps, and how time and memory grow with experts and sequence length.
import type { Device } from '../src/core/device.ts'
import { uniform } from '../src/core/random.ts'
import { TokenData } from '../src/io/data.ts'
import { countParameters } from '../src/model/config.ts'
import { parseRunConfig, type RunConfig } from '../src/train/config.ts'
import { Trainer } from '../src/train/trainer.ts'
import type { BenchRow, StepFigures } from './row.ts'

/** What PyTorch does with the same model on 2 cores, as published (slowest; range of the best), tokens a second. */
interface Published { name: string; tokensPerSec: readonly [naive: number, low: number, high: number] }

export interface StepCase {
  name: string
  model: Record<string, unknown>
  batchSize: number
  sequenceLength: number
  published?: Published
  /** Rows of one series are compared with its first. */
  series?: { of: string; size: number }
}

const pytorch = (naive: number, low: number, high: number): Published => ({ name: 'PyTorch 1.13 (2 cores, published)', tokensPerSec: [naive, low, high] })

/** `tiny` is presets/tiny.json; every other case is written as its difference from it. */
export function stepCases(tiny: { model: Record<string, unknown> }): StepCase[] {
  const model = (changes: Record<string, unknown>) => ({ ...tiny.model, ...changes })
  return [
    { name: 'tiny', model: tiny.model, batchSize: 16, sequenceLength: 128, published: pytorch(3900, 22000, 25000) },
    {
      name: 'hidden 256, 6 layers, 32 experts, top-4', batchSize: 16, sequenceLength: 128, published: pytorch(151, 2000, 2300),
      model: model({
        hidden_size: 256, num_hidden_layers: 6, n_routed_experts: 32, num_experts_per_tok: 4, num_attention_heads: 8, q_lora_rank: 128,
        kv_lora_rank: 64, qk_nope_head_dim: 32, qk_rope_head_dim: 16, v_head_dim: 32, intermediate_size: 768, moe_intermediate_size: 128,
      }),
    },
    ...[8, 64, 256].map((n): StepCase => ({ name: `tiny, ${n} experts`, model: model({ n_routed_experts: n }), batchSize: 16, sequenceLength: 128, series: { of: 'experts', size: n / 8 } })),
    ...[128, 1024, 4096].map((n): StepCase => ({
      name: `tiny, sequence ${n}`, model: model({ max_position_embeddings: n }), batchSize: 4096 / n, sequenceLength: n, series: { of: 'sequence, equal tokens,', size: n / 128 },
    })),
  ]
}

/** Rows of all cases. `bestGemmFlopPerSec` is this device's best GEMM rate, when it was measured. */
export async function* benchSteps(device: Device, cases: readonly StepCase[], bestGemmFlopPerSec: number | undefined): AsyncGenerator<BenchRow> {
  const first = new Map<string, BenchRow>()
  for (const c of cases) {
    const row = await benchStep(device, c, bestGemmFlopPerSec)
    if (c.series && row.step) {
      const base = first.get(c.series.of)
      if (!base) first.set(c.series.of, row)
      else row.step.growth = { ...c.series, time: row.timeSec / base.timeSec, memory: row.step.peakBytes / base.step!.peakBytes }
    }
    yield row
  }
}

async function benchStep(device: Device, { name, model, batchSize, sequenceLength, published }: StepCase, bestGemm: number | undefined): Promise<BenchRow> {
  const config: RunConfig = parseRunConfig({
    model, train: { steps: 100, batchSize, sequenceLength, optimizer: { lr: 0.001 }, initializerRange: 0.02 }, data: { kind: 'kjv' },
  }, `bench case "${name}"`)
  // Bytes with the skew of a text: a third of all tokens are one of ten.
  const tokens = Uint8Array.from({ length: Math.max(2 ** 16, 4 * batchSize * sequenceLength) }, (_, i) => Math.floor(256 * uniform(1, 'bench tokens', i) ** 3))
  const extra = config.model.num_nextn_predict_layers ? 2 : 1
  const data = new TokenData(tokens, { sequenceLength, vocabSize: config.model.vocab_size, seed: 1, validationFraction: 0, extra })
  const trainer = new Trainer({ device, config, data })
  try {
    await trainer.queueStep() // compiles
    await device.backend.sync()
    device.backend.resetPeak()
    const before = counters(device)
    let timeSec = Infinity
    let steps = 0
    const begin = performance.now()
    // At least 5 steps and 2 s; on a slow machine 2 steps must do after a minute.
    for (let start = begin; steps < 2 || (steps < 5 && start - begin < 60_000) || start - begin < 2000; steps++) {
      start = performance.now()
      await trainer.queueStep()
      await device.backend.sync()
      timeSec = Math.min(timeSec, (performance.now() - start) / 1000)
    }
    const after = counters(device)
    const perStep = (a?: number, b?: number) => (a === undefined || b === undefined ? null : (b - a) / steps)
    const tokensPerStep = batchSize * sequenceLength
    const peakBytes = device.backend.memory().peakBytes
    const flopPerToken = 6 * countParameters(config.model).activeWithoutEmbedding
    const flopPerSec = flopPerToken * tokensPerStep / timeSec
    const step: StepFigures = {
      tokensPerSec: tokensPerStep / timeSec, flopPerToken, fractionOfBestGemm: bestGemm ? flopPerSec / bestGemm : null,
      dispatches: perStep(before?.dispatches, after?.dispatches), readbacks: perStep(before?.readbacks, after?.readbacks),
      peakBytes, matrixProductShare: await matrixProductShare(device, () => trainer.queueStep()),
    }
    return {
      event: 'bench', op: 'train_step', shape: `f32 (${name}; ${batchSize} x ${sequenceLength} tokens)`, device: device.name, timeSec, flopPerSec,
      bytesPerSec: null, fractionOfPeak: null, peer: published ? peerText(published) : null,
      ratioToPeer: published ? step.tokensPerSec / published.tokensPerSec[2] : null, step,
    }
  } finally {
    trainer.release()
    await device.backend.sync()
  }
}

const thousands = (x: number) => (x >= 1000 ? `${x / 1000}k` : `${x}`)
const peerText = ({ name, tokensPerSec: [naive, low, high] }: Published) => `${name}: ${thousands(naive)} / ${thousands(low)}-${thousands(high)} tok/s`

/** Share of the device's time that one more step spends in matrix products, where the backend can tell. */
async function matrixProductShare(device: Device, step: () => Promise<unknown>): Promise<number | null> {
  const { backend } = device as { backend: { profile?(work: () => Promise<unknown>): Promise<Map<string, number> | undefined> } }
  const seconds = await backend.profile?.(step)
  if (!seconds) return null
  let [products, all] = [0, 0]
  for (const [op, sec] of seconds) {
    all += sec
    if (op.includes('gemm')) products += sec
  }
  return all > 0 ? products / all : null
}

/** Dispatches and readbacks so far, of a backend that counts them. */
function counters(device: Device): { dispatches: number; readbacks: number } | undefined {
  const { counters } = device.backend as { counters?: { dispatches: number; readbacks: number } }
  return counters && { ...counters }
}
