// Opens a model for `generate` and `eval`: a Hugging Face folder, a checkpoint, or a run's folder (its newest checkpoint).
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Device } from '../core/device.ts'
import { InputError } from '../core/errors.ts'
import { checkWeight, fp8Block, readWeight, type Fp8Block } from '../io/fp8_weights.ts'
import { openHfFolder, type HfFolder } from '../io/hf_folder.ts'
import { NodeFiles } from '../io/node/files.ts'
import { listTensors, parseModelConfig, type ModelConfig } from '../model/config.ts'
import type { Recipe } from '../model/linear.ts'
import { Model } from '../model/transformer.ts'
import { findCheckpoint } from '../train/checkpoint.ts'

/** The folder that holds config.json and weights. Throws InputError when `path` leads to none. */
export async function modelDir(path: string, warn: (message: string) => void): Promise<string> {
  if (!existsSync(path)) throw new InputError(`--model ${path}: no such folder`)
  const isHf = existsSync(join(path, 'model.safetensors')) || existsSync(join(path, 'model.safetensors.index.json'))
  if (isHf) return path
  const found = await findCheckpoint(new NodeFiles(), path, { readOnly: true, warn })
  if (!found) throw new InputError(`--model ${path}: holds neither model.safetensors nor a checkpoint step-<n>`)
  return found.dir
}

export async function loadModel(device: Device, dir: string, recipe: Recipe): Promise<{ model: Model; config: ModelConfig }> {
  const folder = await openHfFolder(new NodeFiles(), dir)
  const where = join(dir, 'config.json')
  let json: unknown
  try {
    json = JSON.parse(folder.configText)
  } catch (error) {
    throw new InputError(`${where} is not JSON: ${(error as Error).message}`)
  }
  const config = parseModelConfig(json, where)
  const block = fp8Block(json, where)
  checkTensors(folder, config, dir, block)
  const model = new Model(device, config, { recipe })
  await model.loadTensors((name) => readWeight(folder, name, block))
  return { model, config }
}

/** Every tensor that the configuration calls for is there with its shape and a dtype that can be read, before any is read. */
function checkTensors(folder: HfFolder, config: ModelConfig, dir: string, block: Fp8Block): void {
  const there = new Set(folder.names())
  const missing = listTensors(config).filter((t) => !there.has(t.name))
  if (missing.length) throw new InputError(`${dir}: tensor ${missing[0].name} is missing${missing.length > 1 ? ` (and ${missing.length - 1} more)` : ''}`)
  for (const { name, shape } of listTensors(config)) {
    const info = folder.info(name)
    if (info.shape.join() !== shape.join()) throw new InputError(`${dir}: ${name} is [${info.shape.join(', ')}], config.json makes it [${shape.join(', ')}]`)
    checkWeight(folder, name, block)
  }
}
