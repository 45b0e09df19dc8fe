// Internal stacks and Hugging Face names: nothing is lost, either way.
import { expect, it, describe } from 'vitest'
import { ReferenceBackend } from '../../backends/reference/index.ts'
import { Device } from '../../src/core/device.ts'
import { normal } from '../../src/core/random.ts'
import { listTensors, parseModelConfig } from '../../src/model/config.ts'
import { Model } from '../../src/model/transformer.ts'
import { AdamW } from '../../src/train/adamw.ts'
import { configOf, randomWeights, modelWith } from './support.ts'

const cpu = () => new Device(new ReferenceBackend())

describe('parameters', () => {
  for (const changes of [{}, { q_lora_rank: null, n_shared_experts: 0 }, { n_shared_experts: 2, first_k_dense_replace: 2, num_hidden_layers: 3 }]) {
    it(`are exactly the tensors of the checkpoint: ${JSON.stringify(changes)}`, () => {
      const config = configOf(changes)
      const model = new Model(cpu(), config)
      const mine = model.parameters.sources().map(({ name, shape }) => [name, [...shape]])
      const theirs = listTensors(config).map(({ name, shape }) => [name, [...shape]])
      expect(new Map(mine as never)).toEqual(new Map(theirs as never))
      expect(mine.length).toBe(theirs.length)
    })
  }

  it('weights and bf16 moments come back bit for bit', async () => {
    const config = configOf()
    const weights = randomWeights(config)
    const model = await modelWith(cpu(), config, weights)
    const optimizer = new AdamW(model.parameters, { beta1: 0.9, beta2: 0.95, eps: 1e-8, weightDecay: 0, clip: 1, moments: 'bf16' })
    for (const { name, bytes } of model.parameters.sources()) {
      const b = (await bytes()).slice()
      expect(new Float32Array(b.buffer), name).toEqual(weights[name])
    }
    expect(model.parameters.sources(optimizer.m).every((s) => s.dtype === 'BF16')).toBe(true)
    expect(model.parameters.sources(optimizer.m).some((s) => s.name.endsWith('e_score_correction_bias'))).toBe(false)
    const half = (name: string) => weights[name].map((v, i) => (i % 2 ? v : Math.fround(Math.round(v * 64) / 64))) // some are exact in bf16
    await model.parameters.load(async (name) => half(name), optimizer.m)
    const once = new Map<string, Uint8Array>()
    for (const { name, bytes } of model.parameters.sources(optimizer.m)) once.set(name, (await bytes()).slice())
    await model.parameters.load(async (name) => {
      const b = once.get(name)!
      return Float32Array.from(new Uint16Array(b.buffer), (h) => new Float32Array(new Uint32Array([h << 16]).buffer)[0])
    }, optimizer.m)
    for (const { name, bytes } of model.parameters.sources(optimizer.m)) expect(await bytes(), name).toEqual(once.get(name))
  })

  it('experts lie one after the other, gate before up', async () => {
    const config = configOf()
    const weights = randomWeights(config)
    const model = await modelWith(cpu(), config, weights)
    const stack = model.parameters.get('model.layers.1.mlp.experts.gate_up_proj').tensor
    expect(stack.shape).toEqual([8, 12, 12])
    const all = await stack.read()
    expect(all.slice(5 * 144, 5 * 144 + 72)).toEqual(weights['model.layers.1.mlp.experts.5.gate_proj.weight'])
    expect(all.slice(5 * 144 + 72, 6 * 144)).toEqual(weights['model.layers.1.mlp.experts.5.up_proj.weight'])
  })

  it('fresh weights are a function of seed and name', async () => {
    const model = new Model(cpu(), configOf())
    model.initialize(7, 0.02)
    const read = (name: string) => model.parameters.read(name)
    expect((await read('model.layers.1.mlp.experts.2.up_proj.weight'))![3]).toBe(Math.fround(0.02 * normal(7, 'model.layers.1.mlp.experts.2.up_proj.weight', 3)))
    expect((await read('model.layers.0.mlp.up_proj.weight'))![0]).not.toBe((await read('model.layers.0.mlp.gate_proj.weight'))![0])
    expect([...(await read('model.layers.0.self_attn.kv_a_layernorm.weight'))!]).toEqual(new Array(5).fill(1))
    expect([...(await read('model.layers.1.mlp.gate.e_score_correction_bias'))!]).toEqual(new Array(8).fill(0))
    const x = (await read('model.embed_tokens.weight'))!
    const std = Math.sqrt(Array.from(x).reduce((s, v) => s + v * v, 0) / x.length)
    expect(std).toBeGreaterThan(0.016)
    expect(std).toBeLessThan(0.024)
  })

  it('a tensor of the wrong size is named', async () => {
    const model = new Model(cpu(), configOf())
    await expect(model.loadTensors(async () => [1, 2])).rejects.toThrow('model.embed_tokens.weight has 2 elements, must have 228: [19, 12]')
  })

  it('the golden configuration is read', () => expect(() => parseModelConfig({ ...configOf() }, 'again')).not.toThrow())
})
