// weft eval: loss, logits, routing and gradients of a Hugging Face folder on given token ids, as a safetensors file.
import { InputError } from '../../core/errors.ts'
import { openDevice } from '../../device.ts'
import { NodeFiles } from '../../io/node/files.ts'
import { writeSafetensors } from '../../io/safetensors.ts'
import { dumpTensors } from '../../model/dump.ts'
import type { Recipe } from '../../model/linear.ts'
import { readJsonFile } from '../json_file.ts'
import { loadModel, modelDir } from '../model_folder.ts'
import { parseOptions } from '../options.ts'
import type { Command } from './index.ts'

export const command: Command = {
  summary: 'loss, logits, routing and gradients of a checkpoint, to compare with other implementations',
  usage: `  --model DIR         a Hugging Face folder, a checkpoint or a run's folder
  --ids FILE.json     [[id, ...], ...]: sequences of equal length
  --dump FILE         writes logits, loss, hidden.*, router.*, grad.* as safetensors
  --grads             also gradients of the plain next-token cross-entropy
  --precision NAME    f32 (default), bf16, fp8
  --device NAME       auto (default), cuda:0, webgpu, cpu, emu:sm_80, emu:sm_90a
  --json              one JSON object a line`,
  run: evaluate,
}

async function evaluate(args: string[]): Promise<number> {
  const options = parseOptions('eval', args, {
    model: { type: 'string' }, ids: { type: 'string' }, dump: { type: 'string' }, grads: { type: 'boolean', default: false },
    precision: { type: 'string', default: 'f32' }, device: { type: 'string', default: 'auto' }, json: { type: 'boolean', default: false },
  })
  if (!options.model) throw new InputError('weft eval: give --model DIR')
  if (!options.ids) throw new InputError('weft eval: give --ids FILE.json')
  if (!['f32', 'bf16', 'fp8'].includes(options.precision)) throw new InputError(`weft eval: --precision is "${options.precision}", must be f32, bf16 or fp8`)
  const ids = readIds(options.ids)
  const dir = await modelDir(options.model, (text) => process.stderr.write(`weft: ${text}\n`))
  const { device } = await openDevice(options.device)
  try {
    const { model, config } = await loadModel(device, dir, options.precision as Recipe)
    checkIds(ids, config.vocab_size, options.ids)
    const tensors = await dumpTensors(model, ids, { grads: options.grads })
    const loss = new Float32Array(tensors.find((t) => t.name === 'loss')!.bytes().slice().buffer)[0]
    if (options.dump) await writeSafetensors(new NodeFiles(), options.dump, tensors)
    process.stdout.write(options.json
      ? `${JSON.stringify({ event: 'eval', model: dir, device: device.name, loss, tokens: ids.length * (ids[0].length - 1), tensors: tensors.length, dump: options.dump })}\n`
      : `${device.name}: loss ${loss.toFixed(6)} nats per token over ${ids.length} sequences of ${ids[0].length}${options.dump ? `; ${tensors.length} tensors in ${options.dump}` : ''}\n`)
    model.release()
    return 0
  } finally {
    await device.backend.destroy()
  }
}

function readIds(path: string): number[][] {
  const json = readJsonFile(path)
  const rows = Array.isArray(json) && json.length && json.every((r) => Array.isArray(r) && r.length)
  if (!rows) throw new InputError(`${path} must be a list of sequences, each a list of token ids`)
  return json as number[][]
}

function checkIds(ids: readonly (readonly unknown[])[], vocabSize: number, path: string): void {
  ids.forEach((row, r) => row.forEach((id, c) => {
    const ok = Number.isInteger(id) && (id as number) >= 0 && (id as number) < vocabSize
    if (!ok) throw new InputError(`${path}: ids[${r}][${c}] is ${JSON.stringify(id)}, must be an integer from 0 to ${vocabSize - 1}`)
  }))
}
