// What the model tests share: golden data, small configurations, float64 models.
import { fileURLToPath } from 'node:url'
import { describe, it } from 'vitest'
import { ReferenceBackend } from '../../backends/reference/index.ts'
import { Device } from '../../src/core/device.ts'
import { fillNormal } from '../../src/core/random.ts'
import type { Tensor } from '../../src/core/tensor.ts'
import { openHfFolder } from '../../src/io/hf_folder.ts'
import { NodeFiles } from '../../src/io/node/files.ts'
import { SafetensorsReader, toFloat32, toInt32 } from '../../src/io/safetensors.ts'
import { listTensors, parseModelConfig, type ModelConfig } from '../../src/model/config.ts'
import { Model, type ModelOptions } from '../../src/model/transformer.ts'
import { deviceNames, testDevice } from '../support/devices.ts'

export const goldenDir = fileURLToPath(new URL('../golden/model', import.meta.url))
const files = new NodeFiles()

export async function goldenModel(device: Device, options: ModelOptions = {}): Promise<Model> {
  const folder = await openHfFolder(files, goldenDir)
  const model = new Model(device, parseModelConfig(JSON.parse(folder.configText), 'config.json'), options)
  await model.loadTensors(async (name) => toFloat32(await folder.read(name)))
  return model
}

export async function golden() {
  const reader = await SafetensorsReader.open(files, `${goldenDir}/golden.safetensors`)
  return {
    names: [...reader.tensors.keys()],
    info: (name: string) => reader.info(name),
    floats: async (name: string) => toFloat32(await reader.read(name)),
    integers: async (name: string) => toInt32(await reader.read(name)),
    json: async (name: string) => JSON.parse(new TextDecoder().decode(await files.readFile(`${goldenDir}/${name}`))),
  }
}

/** Tests that run on each device, with a loud skip where it is absent: `golden > webgpu > logits`. */
export function onDevices(name: string, body: (test: (title: string, run: (device: Device) => Promise<void>) => void, device: string) => void, names = deviceNames): void {
  describe(name, () => {
    for (const deviceName of names) {
      describe(deviceName, () => body((title, run) => it(title, async (context) => {
        const device = await testDevice(deviceName)
        if (!device) return context.skip()
        await run(device)
      }), deviceName))
    }
  })
}

export const baseConfig = {
  vocab_size: 19, hidden_size: 12, num_hidden_layers: 2, first_k_dense_replace: 1, num_attention_heads: 2,
  q_lora_rank: 7, kv_lora_rank: 5, qk_nope_head_dim: 4, qk_rope_head_dim: 4, v_head_dim: 4,
  intermediate_size: 10, moe_intermediate_size: 6, n_routed_experts: 8, n_shared_experts: 1, num_experts_per_tok: 3,
  n_group: 4, topk_group: 2, routed_scaling_factor: 2.5, num_nextn_predict_layers: 1, max_position_embeddings: 64,
} as const

export const configOf = (changes: Record<string, unknown> = {}): ModelConfig => parseModelConfig({ ...baseConfig, ...changes }, 'test')

/** Random weights, every tensor different from where it starts: norms near 1, biases not 0. */
export function randomWeights(config: ModelConfig, seed = 1): Record<string, Float32Array> {
  return Object.fromEntries(listTensors(config).map(({ name, shape, role, numParameters }) => {
    const x = new Float32Array(numParameters)
    const std = role === 'norm' ? 0.2 : role === 'routerBias' ? 0.1 : role === 'embedding' ? 1 : 0.9 / Math.sqrt(shape[1])
    fillNormal(x, seed, name, std)
    return [name, role === 'norm' ? x.map((v) => 1 + v) : x]
  }))
}

export async function modelWith(device: Device, config: ModelConfig, weights: Record<string, ArrayLike<number>>, options: ModelOptions = {}): Promise<Model> {
  const model = new Model(device, config, options)
  await model.loadTensors(async (name) => weights[name])
  return model
}

/** The reference backend in float64, and a view of a tensor's numbers. */
export function float64() {
  const backend = new ReferenceBackend({ float64: true })
  return { device: new Device(backend), numbers: (t: Tensor) => backend.numbers(t.storage.handle) as Float64Array }
}

export function maxDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Infinity
  let worst = 0
  for (let i = 0; i < a.length; i++) { const d = Math.abs(a[i] - b[i]); worst = d <= worst ? worst : Number.isNaN(d) ? Infinity : d }
  return worst
}

export const maxAbs = (a: ArrayLike<number>) => Array.prototype.reduce.call(a, (m, v) => Math.max(m as number, Math.abs(v as number)), 0) as number

/** Deterministic token ids. */
export const tokens = (n: number, vocab: number, seed = 1) => Array.from({ length: n }, (_, i) => (i * 7919 + seed * 104729 + ((i * i) % 31) * 13) % vocab)
