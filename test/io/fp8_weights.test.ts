// FP8 checkpoints: e4m3 weights times the factor of their block, as DeepSeek-V3's are stored.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { loadModel } from '../../src/cli/model_folder.ts'
import { e4m3Values, encode } from '../../src/core/dtype.ts'
import { checkWeight, fp8Block, readWeight } from '../../src/io/fp8_weights.ts'
import { openHfFolder, writeHfFolder } from '../../src/io/hf_folder.ts'
import { NodeFiles } from '../../src/io/node/files.ts'
import { bytesOf, toFloat32, type TensorSource } from '../../src/io/safetensors.ts'
import { openDevice } from '../../src/device.ts'
import { MemoryFiles } from '../support/memory_files.ts'

const root = mkdtempSync(join(tmpdir(), 'weft-fp8-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))

const codes = (name: string, shape: number[], code: (n: number, k: number) => number): TensorSource =>
  ({ name, dtype: 'F8_E4M3', shape, bytes: () => Uint8Array.from({ length: shape[0] * shape[1] }, (_, i) => code(Math.floor(i / shape[1]), i % shape[1])) })
const floats = (name: string, shape: number[], values: ArrayLike<number>): TensorSource => ({ name, dtype: 'F32', shape, bytes: () => bytesOf(Float32Array.from(values)) })

async function folderOf(...tensors: TensorSource[]) {
  const files = new MemoryFiles()
  await writeHfFolder(files, 'm', '{}', tensors)
  return openHfFolder(files, 'm')
}

describe('FP8 weights', () => {
  test('each block of 128 x 128 has its factor, those at the edges too', async () => {
    const code = (n: number, k: number) => (n * 7 + k * 3) % 127
    const folder = await folderOf(codes('w', [130, 257], code), floats('w_scale_inv', [2, 3], [1, 0.5, 0.25, 2, 4, 0.125]))
    checkWeight(folder, 'w', [128, 128])
    const w = await readWeight(folder, 'w', [128, 128])
    for (const [n, k, factor] of [[0, 0, 1], [127, 127, 1], [0, 128, 0.5], [127, 256, 0.25], [128, 127, 2], [129, 255, 4], [129, 256, 0.125]]) {
      expect(w[n * 257 + k], `${n}, ${k}`).toBe(e4m3Values[code(n, k)] * factor)
    }
  })

  test('the size of a block is the configuration\'s', async () => {
    expect(fp8Block({}, 'c')).toEqual([128, 128])
    expect(fp8Block({ quantization_config: { quant_method: 'fp8', weight_block_size: [2, 4] } }, 'c')).toEqual([2, 4])
    expect(() => fp8Block({ quantization_config: { weight_block_size: [0, 4] } }, 'c')).toThrow('c: quantization_config.weight_block_size is [0,4], must be two positive integers')
    const folder = await folderOf(codes('w', [3, 4], () => 0x38), floats('w_scale_inv', [2, 1], [3, 5]))
    expect([...await readWeight(folder, 'w', [2, 4])]).toEqual([3, 3, 3, 3, 3, 3, 3, 3, 5, 5, 5, 5])
  })

  test('missing or misshapen factors are named', async () => {
    const w = codes('w', [130, 4], () => 0)
    const check = async (...tensors: TensorSource[]) => { const folder = await folderOf(...tensors); return () => checkWeight(folder, 'w', [128, 128]) }
    expect(await check(w)).toThrow('m: w is F8_E4M3, and its factors w_scale_inv are missing')
    expect(await check(w, floats('w_scale_inv', [1, 1], [1]))).toThrow('m: w_scale_inv is [1, 1] F32; for w [130, 4] in blocks of 128 x 128 it must be [2, 1] F32')
    expect(await check({ ...w, dtype: 'F8_E5M2' })).toThrow('w has dtype F8_E5M2')
  })

  test('a whole model in FP8 is opened as its decoded weights', async () => {
    const files = new NodeFiles()
    const golden = 'test/golden/model'
    const source = await openHfFolder(files, golden)
    const isFp8 = (name: string) => /(_proj|_proj_with_mqa)\.weight$/.test(name) // as published: not embeddings, head, norms and gates
    const tensors: TensorSource[] = []
    const expected = new Map<string, Float32Array>()
    for (const name of source.names()) {
      const { shape } = source.info(name)
      const x = toFloat32(await source.read(name))
      if (!isFp8(name)) {
        tensors.push(floats(name, [...shape], x))
        continue
      }
      const scale = x.reduce((top, v) => Math.max(top, Math.abs(v)), 0) / 448
      const bytes = encode(x.map((v) => v / scale), 'e4m3')
      tensors.push({ name, dtype: 'F8_E4M3', shape, bytes: () => bytes }, floats(`${name}_scale_inv`, [1, Math.ceil(shape[1] / 128)], Array(Math.ceil(shape[1] / 128)).fill(scale)))
      expected.set(name, Float32Array.from(bytes, (code) => e4m3Values[code] * Math.fround(scale)))
    }
    expect(expected.size).toBeGreaterThan(20)
    const config = JSON.parse(readFileSync(join(golden, 'config.json'), 'utf8'))
    await writeHfFolder(files, join(root, 'fp8'), JSON.stringify({ ...config, quantization_config: { quant_method: 'fp8', fmt: 'e4m3', weight_block_size: [128, 128], activation_scheme: 'dynamic' } }), tensors)
    const { device } = await openDevice('cpu')
    const { model } = await loadModel(device, join(root, 'fp8'), 'f32')
    for (const [name, w] of expected) expect(await model.parameters.read(name), name).toEqual(w)
    model.release()
  })
})
