// weft generate: samples text from a checkpoint.
import { InputError } from '../../core/errors.ts'
import { openDevice } from '../../device.ts'
import { loadModel, modelDir } from '../model_folder.ts'
import { parseOptions, wholeNumber } from '../options.ts'
import { sampleText } from '../sample.ts'
import type { Command } from './index.ts'

export const command: Command = {
  summary: 'samples text from a checkpoint',
  usage: `  --model DIR         a run's folder, a checkpoint or a Hugging Face folder
  --prompt TEXT       default "In the beginning"
  --tokens N          default 200
  --temperature X     default 0.8; 0 takes the likeliest token
  --seed N            default 1
  --device NAME       auto (default), cuda:0, webgpu, cpu, emu:sm_80, emu:sm_90a
  --json              one JSON object a line`,
  run: generate,
}

async function generate(args: string[]): Promise<number> {
  const options = parseOptions('generate', args, {
    model: { type: 'string' }, prompt: { type: 'string', default: 'In the beginning' }, tokens: { type: 'string', default: '200' },
    temperature: { type: 'string', default: '0.8' }, seed: { type: 'string', default: '1' },
    device: { type: 'string', default: 'auto' }, json: { type: 'boolean', default: false },
  })
  if (!options.model) throw new InputError('weft generate: give --model DIR')
  const temperature = Number(options.temperature)
  if (!(temperature >= 0 && Number.isFinite(temperature))) throw new InputError(`weft generate: --temperature is "${options.temperature}", must be a number of at least 0`)
  const warn = (text: string) => process.stderr.write(`weft: ${text}\n`)
  const dir = await modelDir(options.model, warn)
  const { device } = await openDevice(options.device)
  try {
    const { model } = await loadModel(device, dir, 'f32')
    if (!options.json) process.stdout.write(options.prompt)
    const text = await sampleText(model, {
      prompt: options.prompt, temperature, tokens: wholeNumber('generate', 'tokens', options.tokens), seed: wholeNumber('generate', 'seed', options.seed),
      onBytes: (bytes) => { if (!options.json) process.stdout.write(bytes) },
    })
    process.stdout.write(options.json ? `${JSON.stringify({ event: 'sample', model: dir, prompt: options.prompt, text })}\n` : '\n')
    model.release()
    return 0
  } finally {
    await device.backend.destroy()
  }
}
