import { describe, expect, it } from 'vitest'
import { wgslKernels } from '../../shaders/index.ts'
import { quantizeFp8Kernel } from '../../shaders/quantize_fp8.ts'
import type { Device } from '../../src/core/device.ts'
import { dequantizeFp8 } from '../../src/ops/dequantize_fp8.ts'
import { quantize_fp8, quantizeFp8, type Fp8Tile } from '../../src/ops/quantize_fp8.ts'
import { describeOp } from '../support/describe_op.ts'
import { deviceNames, testDevice } from '../support/devices.ts'
import { readGolden, type GoldenTensor } from '../support/golden.ts'

describeOp(quantize_fp8)

/** Runs `fn` on a device of each name, and on webgpu with spoilt hardware quotients too. */
function onEachDevice(title: string, fn: (device: Device) => Promise<void>): void {
  for (const name of deviceNames) {
    for (const ulps of name === 'webgpu' ? [0, 3, -3] : [0]) {
      it(`${title} > ${name}${ulps ? `, quotient ${ulps > 0 ? '+' : ''}${ulps} ULP` : ''}`, async (context) => {
        const device = await testDevice(name)
        if (!device) return context.skip()
        await device.backend.sync()
        const kernels = wgslKernels as Map<string, unknown>
        const kernel = kernels.get('quantize_fp8')
        if (ulps) kernels.set('quantize_fp8', quantizeFp8Kernel(ulps))
        try {
          await fn(device)
        } finally {
          kernels.set('quantize_fp8', kernel)
        }
      })
    }
  }
}

async function quantized(device: Device, x: ArrayLike<number>, shape: number[], tile: Fp8Tile, options: { pow2?: boolean; groupRows?: number } = {}) {
  const input = device.tensor('f32', shape, x)
  const { q, scale } = quantizeFp8(input, tile, options)
  const result = { bytes: await q.readBytes(), scales: await scale.readBytes(), scale: await scale.read(), tensors: [input, q, scale] }
  return { ...result, free: () => result.tensors.forEach((t) => t.release()) }
}

/** The first position that differs, or nothing: a readable failure for large arrays. */
function firstDifference(actual: Uint8Array, expected: Uint8Array): string | undefined {
  if (actual.length !== expected.length) return `${actual.length} bytes, expected ${expected.length}`
  const i = actual.findIndex((b, j) => b !== expected[j])
  return i < 0 ? undefined : `byte ${i} is ${actual[i]}, expected ${expected[i]}`
}

describe('quantize_fp8 golden', async () => {
  const blocks = await readGolden('fp8/fp8_blocks.safetensors')
  const table = await readGolden('fp8/fp8_table.safetensors')

  const golden: [title: string, x: string, prefix: string, tile: '1x128' | '128x128', pow2: boolean][] = [
    ['tile1x128', 'tile1x128.x', 'tile1x128', '1x128', false],
    ['tile1x128 ue8m0', 'tile1x128.x', 'tile1x128.ue8m0', '1x128', true],
    ['block128x128', 'block128x128.w', 'block128x128', '128x128', false],
  ]
  for (const [title, xName, prefix, tile, pow2] of golden) {
    onEachDevice(`${title} bytes and scales`, async (device) => {
      const x = await blocks(xName)
      const r = await quantized(device, x.f32, x.shape, tile, { pow2 })
      expect(firstDifference(r.scales, (await blocks(`${prefix}.scale`)).bytes), 'scales').toBeUndefined()
      expect(firstDifference(r.bytes, (await blocks(`${prefix}.q`)).bytes), 'bytes').toBeUndefined()
      r.free()
    })
  }

  for (const [title, , prefix, tile] of golden.filter(([, , , , pow2]) => !pow2)) {
    onEachDevice(`${title} dequantised`, async (device) => {
      const q = await blocks(`${prefix}.q`), s = await blocks(`${prefix}.scale`)
      const codes = device.empty('e4m3', q.shape), scale = device.empty('f32', s.shape)
      codes.writeBytes(q.bytes)
      scale.writeBytes(s.bytes)
      const x = dequantizeFp8(codes, scale, tile)
      expect(firstDifference(await x.readBytes(), (await blocks(`${prefix}.dequant`)).bytes)).toBeUndefined()
      for (const t of [codes, scale, x]) t.release()
    })
  }

  onEachDevice('128x1 is 1x128 of the transpose', async (device) => {
    const x = await blocks('tile1x128.x')
    const [rows, columns] = x.shape
    const transposed = Float32Array.from(x.f32, (_, i) => x.f32[(i % rows) * columns + Math.floor(i / rows)])
    const r = await quantized(device, transposed, [columns, rows], '128x1')
    expect(firstDifference(r.scales, (await blocks('tile1x128.scale')).bytes), 'scales').toBeUndefined()
    expect(firstDifference(r.bytes, (await blocks('tile1x128.q')).bytes), 'bytes').toBeUndefined()
    r.free()
  })

  // Every value of the table up to 448, in tiles whose first value 448 makes the scale exactly one.
  onEachDevice('the table through tiles of scale one', async (device) => {
    const { values, codes } = tableTiles(await table('x'), await table('e4m3fn_sat'))
    const r = await quantized(device, values, [values.length / 128, 128], '1x128')
    expect(r.scale.every((s) => s === 1)).toBe(true)
    expect(firstDifference(r.bytes, codes)).toBeUndefined()
    r.free()
  })

  // The same under every other scale that is a power of two: quotients are then exact, the codes the same.
  onEachDevice('the table through tiles of scale 2^-20 and 2^20', async (device) => {
    const { values, codes } = tableTiles(await table('x'), await table('e4m3fn_sat'))
    for (const factor of [2 ** -20, 2 ** 20]) {
      // Below 2^-30 a product with 2^-20 may round; such values are code 0 anyway.
      const r = await quantized(device, values.map((v) => (Math.abs(v) < 2 ** -30 ? 0 : v) * factor), [values.length / 128, 128], '1x128', { pow2: true })
      const expected = codes.map((c, i) => (Math.abs(values[i]) < 2 ** -30 ? 0 : c))
      expect(r.scale.every((s) => s === factor)).toBe(true)
      expect(firstDifference(r.bytes, expected)).toBeUndefined()
      r.free()
    }
  })

  onEachDevice('infinity and NaN', async (device) => {
    const r = await quantized(device, [Infinity, 1, -1, 0, NaN, 1, 0, -2, -Infinity, 448, 0, 0], [3, 4], '1x128')
    expect([...r.bytes].map((b) => b.toString(16))).toEqual(['7f', '0', '80', '0', '7f', '7f', '7f', '7f', '7f', '0', '0', '0'])
    expect([...r.scale]).toEqual([Infinity, NaN, Infinity])
    r.free()
  })

  onEachDevice('hand-computed: zeros, the clamp, groups', async (device) => {
    // 448 / 448 = 1: 17 is a tie between 16 and 18 (even mantissa: 16 = 0x58), 0.0625 = 0x18.
    const a = await quantized(device, [448, 17, -0.0625, 0], [1, 4], '1x128')
    expect([...a.bytes]).toEqual([0x7e, 0x58, 0x98, 0])
    a.free()
    // amax below 1e-4: the scale is 1e-4 / 448, and 1e-5 becomes 44.8 -> 44 = 0x63.
    const b = await quantized(device, [1e-5, 0], [1, 2], '1x128')
    expect(b.scale[0]).toBe(Math.fround(1e-4 / 448))
    expect([...b.bytes]).toEqual([0x63, 0])
    b.free()
    // Two groups of two rows: neither sees the other's amax.
    const c = await quantized(device, [448, 0, 0, 0, 44.8, 0, 0, 0], [4, 2], '128x128', { groupRows: 2 })
    expect([...c.scale]).toEqual([1, Math.fround(44.8 / 448)].map(Math.fround))
    expect([...c.bytes]).toEqual([0x7e, 0, 0, 0, 0x7e, 0, 0, 0])
    c.free()
  })
})

function tableTiles(x: GoldenTensor, codes: GoldenTensor): { values: Float32Array; codes: Uint8Array } {
  const chosen = [...x.f32.keys()].filter((i) => Math.abs(x.f32[i]) <= 448)
  const tiles = Math.ceil(chosen.length / 127)
  const values = new Float32Array(tiles * 128), expected = new Uint8Array(tiles * 128)
  for (let t = 0; t < tiles; t++) {
    values[t * 128] = 448
    expected[t * 128] = 0x7e
    chosen.slice(t * 127, (t + 1) * 127).forEach((i, j) => {
      values[t * 128 + 1 + j] = x.f32[i]
      expected[t * 128 + 1 + j] = codes.bytes[i]
    })
  }
  return { values, codes: expected }
}

