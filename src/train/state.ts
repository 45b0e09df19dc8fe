// What a checkpoint of a run holds: a Hugging Face folder with the weights, and beside it what resuming needs.
import { InputError } from '../core/errors.ts'
import { numBytes } from '../core/shape.ts'
import type { Tensor } from '../core/tensor.ts'
import { joinPath, readText, encodeText, type Files } from '../io/files.ts'
import { openHfFolder, writeHfFolder } from '../io/hf_folder.ts'
import { SafetensorsReader, toFloat32, writeSafetensors, type TensorSource } from '../io/safetensors.ts'
import type { Trainer } from './trainer.ts'

const stateName = 'trainer.json'
const momentsName = 'optimizer.safetensors'
const formatVersion = 1

/** Everything but tensors. No wall time: equal runs write equal bytes. */
interface State {
  format: number
  step: number
  cursor: { epoch: number; offset: number }
  dataHash: string
  /** The whole run configuration, for `generate`, `eval` and for the check at resume. */
  config: unknown
}

/** Bytes that `saveTrainer` writes, within a few kilobytes: weights f32 and two moments. */
export function stateBytes(trainer: Trainer): number {
  const { model, optimizer } = trainer
  const bytes = (t: Tensor | undefined) => (t ? numBytes(t) : 0)
  return model.parameters.all.reduce((sum, p) => sum + numBytes(p.tensor) + bytes(optimizer.m(p)) + bytes(optimizer.v(p)), 64 * 1024)
}

export async function saveTrainer(files: Files, dir: string, trainer: Trainer): Promise<void> {
  await writeHfFolder(files, dir, `${JSON.stringify(trainer.config.model, null, 2)}\n`, trainer.model.parameters.sources())
  await writeSafetensors(files, joinPath(dir, momentsName), momentSources(trainer))
  const state: State = { format: formatVersion, step: trainer.step, cursor: trainer.cursor, dataHash: trainer.data.hash, config: trainer.config }
  await files.writeFile(joinPath(dir, stateName), [encodeText(`${JSON.stringify(state, null, 2)}\n`)])
}

/** `exp_avg.<parameter>` and `exp_avg_sq.<parameter>`, names as PyTorch's AdamW has them. */
function momentSources({ model, optimizer }: Trainer): TensorSource[] {
  const named = (prefix: string, of: typeof optimizer.m) => model.parameters.sources(of).map((s) => ({ ...s, name: `${prefix}.${s.name}` }))
  return [...named('exp_avg', optimizer.m), ...named('exp_avg_sq', optimizer.v)]
}

/** Puts a checkpoint back into a trainer of the same model. Throws InputError when it does not fit. */
export async function loadTrainer(files: Files, dir: string, trainer: Trainer, warn: (message: string) => void): Promise<void> {
  const state = await readState(files, dir)
  if (state.dataHash !== trainer.data.hash) {
    throw new InputError(`${dir} was trained on other data (hash ${state.dataHash}, this data has ${trainer.data.hash}); give the same --data, or another --out`)
  }
  warnOfChanges(state.config, trainer.config, warn, dir)
  const folder = await openHfFolder(files, dir)
  await trainer.model.loadTensors(async (name) => toFloat32(await folder.read(name), name))
  const moments = await SafetensorsReader.open(files, joinPath(dir, momentsName))
  const { parameters } = trainer.model
  await parameters.load(async (name) => toFloat32(await moments.read(`exp_avg.${name}`), name), trainer.optimizer.m)
  await parameters.load(async (name) => toFloat32(await moments.read(`exp_avg_sq.${name}`), name), trainer.optimizer.v)
  trainer.optimizer.numSteps = state.step
  trainer.step = state.step
  trainer.cursor = state.cursor
}

export async function readState(files: Files, dir: string): Promise<State> {
  const path = joinPath(dir, stateName)
  let state: State
  try {
    state = JSON.parse(await readText(files, path, 1 << 20)) as State
  } catch (error) {
    throw error instanceof InputError ? error : new InputError(`${path} is not JSON: ${(error as Error).message}`)
  }
  const whole = (x: unknown) => Number.isSafeInteger(x) && (x as number) >= 0
  if (state?.format !== formatVersion) throw new InputError(`${path}: format is ${state?.format}, this version reads ${formatVersion}`)
  if (!whole(state.step) || !whole(state.cursor?.epoch) || !whole(state.cursor?.offset)) throw new InputError(`${path}: step or cursor is not a whole number`)
  return state
}

/** Another model does not fit; another learning rate or step count may be meant, and is told. */
function warnOfChanges(before: unknown, now: unknown, warn: (message: string) => void, dir: string): void {
  const changes = differences(before, now, '')
  const model = changes.filter((c) => c.startsWith('model.'))
  if (model.length) throw new InputError(`${dir} holds another model: ${model.join('; ')}. Give the same configuration, or another --out.`)
  if (changes.length) warn(`resuming with a changed configuration: ${changes.join('; ')}`)
}

function differences(a: unknown, b: unknown, path: string): string[] {
  const isObject = (x: unknown): x is Record<string, unknown> => typeof x === 'object' && x !== null
  if (!isObject(a) || !isObject(b)) return JSON.stringify(a) === JSON.stringify(b) ? [] : [`${path} was ${JSON.stringify(a)}, is ${JSON.stringify(b)}`]
  return [...new Set([...Object.keys(a), ...Object.keys(b)])].flatMap((k) => differences(a[k], b[k], path ? `${path}.${k}` : k))
}
