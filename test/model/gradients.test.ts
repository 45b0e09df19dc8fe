// Gradients of whole small models: against finite differences in float64, and the same by every way of running backward.
import { describe, expect, it } from 'vitest'
import { WeightQueue } from '../../src/core/autograd.ts'
import type { Device } from '../../src/core/device.ts'
import type { Tensor } from '../../src/core/tensor.ts'
import type { LossInput, Model } from '../../src/model/transformer.ts'
import { configOf, float64, maxAbs, maxDifference, modelWith, onDevices, randomWeights, tokens } from './support.ts'

const [batch, seqLen] = [2, 5]

function inputFor(vocab: number, from = 0, sequences = batch): LossInput {
  const text = Array.from({ length: sequences }, (_, b) => tokens(seqLen + 2, vocab, from + b + 1))
  const part = (at: number) => text.flatMap((row) => row.slice(at, at + seqLen))
  const targets = part(1)
  targets[3] = -1 // an ignored token
  return { ids: part(0), targets, mtpTargets: part(2), batch: sequences, seqLen, mtpWeight: 0.3, balanceAlpha: 0.05 }
}

describe('gradients of a whole model in float64', () => {
  const cases: [string, Record<string, unknown>][] = [
    ['the base', {}],
    ['YaRN, values wider than keys, two shared experts', {
      rope_scaling: { type: 'yarn', factor: 4, original_max_position_embeddings: 16, beta_fast: 2, beta_slow: 0.5, mscale: 1, mscale_all_dim: 1 },
      v_head_dim: 7, n_shared_experts: 2,
    }],
    ['q_lora_rank null, one group, no dense layer, no MTP', { q_lora_rank: null, n_group: 1, topk_group: 1, first_k_dense_replace: 0, num_nextn_predict_layers: 0 }],
  ]
  for (const [name, changes] of cases) {
    for (const recompute of name === 'the base' ? [false, true] : [false]) {
      it(`${name}${recompute ? ', recomputed' : ''}: finite differences`, async () => {
        const { device, numbers } = float64()
        const config = configOf(changes)
        const model = await modelWith(device, config, randomWeights(config), { recompute })
        const input = inputFor(config.vocab_size)
        const loss = () => device.scope(() => {
          const { loss, mtpLoss, balanceLoss } = model.loss(input)
          return numbers(loss)[0] + (mtpLoss ? numbers(mtpLoss)[0] : 0) + numbers(balanceLoss!)[0]
        })
        backward(model, input)
        let checked = 0
        for (const p of model.parameters.trainable) {
          const x = numbers(p.tensor)
          const g = p.tensor.grad ? numbers(p.tensor.grad) : new Float64Array(x.length)
          const stride = Math.max(1, Math.floor(x.length / 4))
          for (let i = checked % stride; i < x.length; i += stride) {
            const was = x[i]
            x[i] = was + 1e-5
            const above = loss()
            x[i] = was - 1e-5
            const below = loss()
            x[i] = was
            const numeric = (above - below) / 2e-5
            expect(Math.abs(numeric - g[i]), `${p.name}[${i}]: ${numeric} by differences, ${g[i]} by backward`).toBeLessThan(1e-8 + 1e-6 * Math.abs(numeric))
            checked++
          }
        }
        expect(checked).toBeGreaterThan(80)
        // Unused experts and those of other tokens aside, nothing may be silently without a gradient.
        expect(model.parameters.trainable.filter((p) => !p.tensor.grad).map((p) => p.name)).toEqual([])
        model.release()
      })
    }
  }
})

onDevices('gradients', (test) => {
  test('recomputed blocks and delayed weight gradients change nothing, bit for bit', async (device) => {
    const plain = await gradients(device, {})
    expect(maxAbs(plain.get('lm_head.weight')!)).toBeGreaterThan(0)
    expect(await gradients(device, { recompute: true })).toEqual(plain)
    expect(await gradients(device, { queue: true })).toEqual(plain)
    expect(await gradients(device, { queue: true, recompute: true })).toEqual(plain)
    expect(await gradients(device, {})).toEqual(plain)
  })

  test('a recomputed block delays its weight gradients too', async (device) => {
    const config = configOf({ num_nextn_predict_layers: 0 })
    const model = await modelWith(device, config, randomWeights(config), { recompute: true })
    const queue = new WeightQueue()
    const live: number[] = []
    for (let round = 0; round < 2; round++) { // the first also makes the rope tables, which stay
      backward(model, { ...inputFor(config.vocab_size), mtpTargets: undefined }, queue)
      const delayed = model.parameters.trainable.filter((p) => !p.tensor.grad).map((p) => p.name)
      expect(delayed).toEqual(expect.arrayContaining(['model.layers.0.self_attn.o_proj.weight', 'model.layers.1.mlp.experts.down_proj', 'lm_head.weight']))
      queue.run()
      expect(model.parameters.trainable.filter((p) => !p.tensor.grad)).toEqual([])
      model.parameters.dropGradients()
      live.push(device.backend.memory().liveBytes)
    }
    expect(live[1]).toBe(live[0])
    model.release()
  })

  test('two micro-batches add up to one batch', async (device) => {
    const config = configOf()
    const whole = inputFor(config.vocab_size)
    const count = whole.targets.length - 1
    const mtpCount = whole.targets.length
    const model = await modelWith(device, config, randomWeights(config))
    backward(model, whole)
    const expected = await read(model)
    model.parameters.dropGradients()
    for (let b = 0; b < batch; b++) {
      const cut = (x: ArrayLike<number>) => Array.from(x).slice(b * seqLen, (b + 1) * seqLen)
      backward(model, { ...whole, ids: cut(whole.ids), targets: cut(whole.targets), mtpTargets: cut(whole.mtpTargets!), batch: 1, count, mtpCount, balanceAlpha: 0.05 / batch })
    }
    for (const [name, g] of await read(model)) expect(maxDifference(g, expected.get(name)!), name).toBeLessThan(1e-5 * maxAbs(expected.get(name)!))
    model.release()
  })

  test('an expert that no token chose has zero gradients', async (device) => {
    const config = configOf()
    const weights = randomWeights(config)
    weights['model.layers.1.mlp.gate.e_score_correction_bias'][3] = -5
    const model = await modelWith(device, config, weights)
    backward(model, inputFor(config.vocab_size))
    expect((await model.moeLayers[0].load.read())[3]).toBe(0)
    for (const p of ['gate', 'up', 'down']) {
      const g = (await model.parameters.read(`model.layers.1.mlp.experts.3.${p}_proj.weight`, (p) => p.tensor.grad))!
      expect(g.every((v) => v === 0)).toBe(true)
    }
    model.release()
  })

  test('forced routing replaces the choice and keeps the gradient of the gate', async (device) => {
    const config = configOf({ num_nextn_predict_layers: 0 })
    const model = await modelWith(device, config, randomWeights(config))
    const input = { ...inputFor(config.vocab_size), mtpTargets: undefined }
    const T = batch * seqLen
    const chosen = Array.from({ length: T }, () => [6, 0, 3]).flat()
    const forced = device.tensor('i32', [T, 3], chosen)
    backward(model, { ...input, forcedRouting: new Map([[1, forced]]) })
    expect([...(await model.moeLayers[0].load.read())]).toEqual([T, 0, 0, T, 0, 0, T, 0])
    expect(maxAbs((await model.parameters.read('model.layers.1.mlp.gate.weight', (p) => p.tensor.grad))!)).toBeGreaterThan(0)
    const { balanceLoss, scores } = device.scope(() => {
      let scores!: Tensor
      const out = model.loss({ ...input, forcedRouting: new Map([[1, forced]]), observe: (name, t) => { if (name === 'router.1.scores') scores = t.retain() } })
      return { balanceLoss: out.balanceLoss!, scores: device.adopt(scores) }
    })
    // Every token chose the same three: f = 8 / 3 for those, so the loss is the mean of 8 / 3 times their share of the scores.
    const s = Array.from(await scores.read())
    let share = 0
    for (let t = 0; t < T; t++) share += [6, 0, 3].reduce((sum, e) => sum + s[t * 8 + e], 0) / s.slice(t * 8, t * 8 + 8).reduce((a, b) => a + b, 0) / T
    expect((await balanceLoss.read())[0]).toBeCloseTo(0.05 * (8 / 3) * share, 6)
    balanceLoss.release()
    scores.release()
    forced.release()
    model.release()
  })
})

function backward(model: Model, input: LossInput, queue?: WeightQueue): void {
  const { device } = model
  device.scope(() => {
    const { result, tape } = device.record(() => model.loss(input))
    tape.backward(result.roots, { queue })
  })
}

async function gradients(device: Device, options: { recompute?: boolean; queue?: boolean }): Promise<Map<string, ArrayLike<number>>> {
  const config = configOf()
  const model = await modelWith(device, config, randomWeights(config), { recompute: options.recompute })
  const queue = options.queue ? new WeightQueue() : undefined
  backward(model, inputFor(config.vocab_size), queue)
  if (queue) expect(queue.length).toBeGreaterThan(10)
  queue?.run()
  const result = await read(model)
  model.release()
  return result
}

async function read(model: Model): Promise<Map<string, ArrayLike<number>>> {
  const all = new Map<string, ArrayLike<number>>()
  for (const p of model.parameters.trainable) all.set(p.name, await p.tensor.grad!.read())
  return all
}
