import { describe, expect, it } from 'vitest'
import { relativeError } from '../../src/check/index.ts'
import { gemmFp8, gemm_fp8 } from '../../src/ops/gemm_fp8.ts'
import { groupedGemmFp8 } from '../../src/ops/grouped_gemm_fp8.ts'
import { groupedGemmFp8BwdW } from '../../src/ops/grouped_gemm_fp8_bwd_w.ts'
import { quantizeFp8 } from '../../src/ops/quantize_fp8.ts'
import { describeOp } from '../support/describe_op.ts'
import { deviceNames, testDevice } from '../support/devices.ts'
import { readGolden } from '../support/golden.ts'

describeOp(gemm_fp8)

describe('gemm_fp8 golden and by hand', async () => {
  const golden = await readGolden('fp8/fp8_blocks.safetensors')
  for (const name of deviceNames) {
    it(`gemm.out > ${name}`, async (context) => {
      const device = await testDevice(name)
      if (!device) return context.skip()
      const x = await golden('tile1x128.x'), w = await golden('block128x128.w'), out = await golden('gemm.out')
      const tx = device.tensor('f32', x.shape, x.f32), tw = device.tensor('f32', w.shape, w.f32)
      const a = quantizeFp8(tx, '1x128'), b = quantizeFp8(tw, '128x128')
      const c = gemmFp8(a.q, a.scale, b.q, b.scale, 'nt')
      expect(relativeError(await c.read(), out.f32)).toBeLessThan(1e-6)
      for (const t of [tx, tw, a.q, a.scale, b.q, b.scale, c]) t.release()
    })

    it(`each 128 of K has its own scales > ${name}`, async (context) => {
      const device = await testDevice(name)
      if (!device) return context.skip()
      const K = 256
      const ones = device.tensor('e4m3', [1, K], new Array(K).fill(1))
      const aScale = device.tensor('f32', [1, 2], [1, 10]), bScale = device.tensor('f32', [1, 2], [2, 0.5])
      const c = gemmFp8(ones, aScale, ones, bScale, 'nt')
      expect([...await c.read()]).toEqual([128 * 2 + 128 * 5])

      // The same numbers as one expert's rows 0 to 127 of 256, the other rows of nobody.
      const P = 256
      const x = device.tensor('e4m3', [P, K], new Array(P * K).fill(1))
      const xScale = device.tensor('f32', [P, 2], Array.from({ length: P * 2 }, (_, i) => [1, 10][i % 2]))
      const offsets = device.tensor('i32', [2], [0, 128])
      const y = groupedGemmFp8(x, xScale, ones.reshape([1, 1, K]), bScale.reshape([1, 1, 2]), offsets, 'nt')
      expect([...await y.read()]).toEqual(Array.from({ length: P }, (_, p) => (p < 128 ? 896 : 0)))

      // Only the first 128 of the rows count, with their tile's scales.
      const dw = groupedGemmFp8BwdW(ones, aScale, ones, bScale, offsets)
      expect([...await dw.read()]).toEqual([128 * 2])
      for (const t of [ones, aScale, bScale, c, x, xScale, offsets, y, dw]) t.release()
    })
  }
})
