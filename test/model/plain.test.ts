// The model against a plain float64 implementation that shares no code with it, in configurations off the beaten track.
import { expect } from 'vitest'
import type { Device } from '../../src/core/device.ts'
import type { Tensor } from '../../src/core/tensor.ts'
import type { ModelConfig } from '../../src/model/config.ts'
import { plainLoss, plainModel } from '../support/plain_model.ts'
import { configOf, maxDifference, modelWith, onDevices, randomWeights, tokens } from './support.ts'

const yarn = { type: 'yarn', factor: 4, original_max_position_embeddings: 16, beta_fast: 32, beta_slow: 1, mscale: 1, mscale_all_dim: 1 }
const cases: [string, Record<string, unknown>, batch: number, seqLen: number][] = [
  ['the base', {}, 2, 8],
  ['YaRN', { rope_scaling: yarn, qk_rope_head_dim: 8 }, 2, 9],
  ['YaRN with its ramp inside', { rope_scaling: { ...yarn, beta_fast: 2, beta_slow: 0.5, mscale: 0.7, mscale_all_dim: 0.7 }, qk_rope_head_dim: 12 }, 1, 11],
  ['value dim unlike nope dim', { v_head_dim: 6, qk_nope_head_dim: 3 }, 2, 7],
  ['two shared experts', { n_shared_experts: 2 }, 1, 9],
  ['no shared expert', { n_shared_experts: 0 }, 1, 9],
  ['three dense layers of four', { num_hidden_layers: 4, first_k_dense_replace: 3 }, 1, 6],
  ['no dense layer', { first_k_dense_replace: 0 }, 1, 6],
  ['sequence length 1', {}, 3, 1],
  ['sequence length 17, three heads', { num_attention_heads: 3 }, 3, 17],
  ['q_lora_rank null', { q_lora_rank: null }, 2, 5],
  ['one group', { n_group: 1, topk_group: 1 }, 2, 6],
  ['one expert per token, eps and theta unusual', { num_experts_per_tok: 1, rms_norm_eps: 1e-3, rope_theta: 100 }, 2, 6],
  ['every expert for every token', { num_experts_per_tok: 8, topk_group: 4 }, 1, 5],
]

onDevices('plain float64 model', (test) => {
  for (const [name, changes, batch, seqLen] of cases) {
    test(name, async (device) => {
      const config = configOf(changes)
      const { error, lossError, mtpLossError, balanceError, routingOk } = await differences(device, config, batch, seqLen)
      expect(routingOk).toBe(true)
      expect(error, 'logits').toBeLessThan(2e-5)
      expect(lossError, 'loss').toBeLessThan(5e-6)
      expect(mtpLossError, 'MTP loss').toBeLessThan(5e-6)
      expect(balanceError, 'balance loss').toBeLessThan(5e-6)
    })
  }
})

async function differences(device: Device, config: ModelConfig, batch: number, seqLen: number) {
  const weights = randomWeights(config)
  const V = config.vocab_size
  const text = Array.from({ length: batch }, (_, b) => tokens(seqLen + 2, V, b + 1))
  const part = (from: number) => text.flatMap((row) => row.slice(from, from + seqLen))
  const model = await modelWith(device, config, weights)
  const routing = new Map<number, number[]>()
  const { loss, mtpLoss, balanceLoss, logits, indices } = device.scope(() => {
    const indices: Record<string, Tensor> = {}
    const out = model.loss({
      ids: part(0), targets: part(1), mtpTargets: part(2), batch, seqLen, mtpWeight: 0.3, balanceAlpha: 0.01,
      observe: (n, t) => { const m = /^router\.(\d+)\.topk_indices$/.exec(n); if (m) indices[m[1]] = t.retain() },
    })
    return { loss: out.loss, mtpLoss: out.mtpLoss!, balanceLoss: out.balanceLoss!, logits: out.logits, indices }
  })
  for (const [layer, t] of Object.entries(indices)) { routing.set(Number(layer), [...(await t.read())]); t.release() }

  const plain = text.map((row) => plainModel({ ...config, rope_scaling: config.rope_scaling } as never, weights, row.slice(0, seqLen), row.slice(1, seqLen + 1)))
  const T = batch * seqLen
  const sum = (f: (b: number, t: number) => number) => text.reduce((s, _, b) => s + Array.from({ length: seqLen }, (_, t) => f(b, t)).reduce((x, y) => x + y, 0), 0)
  const plainBalance = plain.reduce((s, p) => s + Object.values(p.balance).reduce((x, y) => x + y, 0), 0) / batch
  const result = {
    routingOk: [...routing].every(([layer, chosen]) => JSON.stringify(chosen) === JSON.stringify(plain.flatMap((p) => p.routing[layer].flat()))),
    error: maxDifference(await logits.read(), plain.flatMap((p) => p.logits.flat())),
    lossError: Math.abs((await loss.read())[0] - sum((b, t) => plainLoss(plain[b].logits[t], text[b][t + 1])) / T),
    mtpLossError: Math.abs((await mtpLoss.read())[0] - 0.3 * sum((b, t) => plainLoss(plain[b].mtpLogits![t], text[b][t + 2])) / T),
    balanceError: Math.abs((await balanceLoss.read())[0] - 0.01 * plainBalance),
  }
  for (const t of [loss, mtpLoss, balanceLoss, logits]) t.release()
  model.release()
  return result
}
