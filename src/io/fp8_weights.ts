// Weights of FP8 checkpoints: e4m3 codes beside `<name>_scale_inv`, one float32 factor for each block of 128 x 128, as
// DeepSeek publishes V3. [its README_WEIGHTS.md; quantization_config of config.json]
import { InputError } from '../core/errors.ts'
import type { HfFolder } from './hf_folder.ts'
import { toFloat32 } from './safetensors.ts'

/** Rows and columns that share a factor. */
export type Fp8Block = readonly [rows: number, columns: number]

const scaleName = (name: string) => `${name}_scale_inv`
const floats = ['F32', 'F64', 'F16', 'BF16']

/** From config.json's quantization_config; 128 x 128 where it says nothing. */
export function fp8Block(config: unknown, where: string): Fp8Block {
  const quantization = (config as { quantization_config?: { weight_block_size?: unknown } } | null)?.quantization_config
  const size = quantization?.weight_block_size ?? [128, 128]
  const whole = Array.isArray(size) && size.length === 2 && size.every((n) => Number.isInteger(n) && n > 0)
  if (!whole) throw new InputError(`${where}: quantization_config.weight_block_size is ${JSON.stringify(size)}, must be two positive integers`)
  return size as unknown as Fp8Block
}

/** Throws InputError unless the tensor is a float, or e4m3 in two dimensions with the factors that its blocks need. */
export function checkWeight(folder: HfFolder, name: string, [rows, columns]: Fp8Block): void {
  const { dtype, shape } = folder.info(name)
  if (floats.includes(dtype)) return
  if (dtype !== 'F8_E4M3') throw new InputError(`${folder.dir}: ${name} has dtype ${dtype}, must be F32, BF16, F16, F64 or F8_E4M3`)
  if (!folder.has(scaleName(name))) throw new InputError(`${folder.dir}: ${name} is F8_E4M3, and its factors ${scaleName(name)} are missing`)
  const scale = folder.info(scaleName(name))
  const wanted = [Math.ceil(shape[0] / rows), Math.ceil(shape[1] / columns)]
  if (shape.length !== 2 || scale.shape.join() !== wanted.join() || scale.dtype !== 'F32') {
    throw new InputError(`${folder.dir}: ${scaleName(name)} is [${scale.shape.join(', ')}] ${scale.dtype}; for ${name} [${shape.join(', ')}] in blocks of ${rows} x ${columns} it must be [${wanted.join(', ')}] F32`)
  }
}

/** A tensor's numbers; e4m3 times the factor of its block. */
export async function readWeight(folder: HfFolder, name: string, [rows, columns]: Fp8Block): Promise<Float32Array> {
  const stored = await folder.read(name)
  const x = toFloat32(stored, `${folder.dir}: ${name}`)
  if (stored.dtype !== 'F8_E4M3') return x
  const scale = toFloat32(await folder.read(scaleName(name)), `${folder.dir}: ${scaleName(name)}`)
  const [N, K] = stored.shape
  const perRow = Math.ceil(K / columns)
  for (let n = 0; n < N; n++) {
    const first = Math.floor(n / rows) * perRow
    for (let k = 0; k < K; k++) x[n * K + k] *= scale[first + Math.floor(k / columns)]
  }
  return x
}
