// The kernels of ptx/sm_90a on the emulator: every tile, several tiles a block, asynchronous work early and late, Hopper's rounding.
import { describe, expect, it } from 'vitest'
import { CudaBackend } from '../../backends/cuda/index.ts'
import { EmulatorDriver } from '../../backends/emulator/driver.ts'
import type { EmulatorOptions } from '../../backends/emulator/machine.ts'
import { createSanitizer } from '../../backends/emulator/sanitizer/index.ts'
import { kernelFor, ptxKernels } from '../../ptx/index.ts'
import { hopperKernels } from '../../ptx/sm_90a/index.ts'
import { runCase } from '../../src/check/index.ts'
import { e4m3Values } from '../../src/core/dtype.ts'
import type { CaseRandom, OpCase, Specs } from '../../src/core/op.ts'
import { ops } from '../../src/ops/index.ts'

const opNamed = (name: string) => ops.find(([op]) => op.name === name)![0]
const gemm = opNamed('gemm'), gemm_fp8 = opNamed('gemm_fp8'), gemm_fp8_bwd_w = opNamed('gemm_fp8_bwd_w')

/** A Hopper with few SMs: blocks take several tiles, and the tile is chosen by the shape alone. */
function backendOf(numSms: number, options: Partial<EmulatorOptions> = {}, sanitizer?: typeof createSanitizer, change = (ptx: string) => ptx): CudaBackend {
  const driver = new EmulatorDriver('sm_90a', options, sanitizer)
  return new CudaBackend(new Proxy(driver, { get: (d, key) => {
    if (key === 'attributes') return { ...d.attributes, numSms }
    if (key === 'loadModule') return (ptx: string, name: string) => d.loadModule(change(ptx), name)
    const value = Reflect.get(d, key) as unknown
    return typeof value === 'function' ? value.bind(d) : value
  } }))
}

type Layout = 'nt' | 'nn' | 'tn'
const gemmCase = (layout: Layout, out: string, [M, N, K]: number[]): OpCase => ({
  name: `${layout} [${M}, ${N}, ${K}] to ${out}`, attrs: { layout, out },
  inputs: (r) => ({ a: r.normal(layout === 'tn' ? [K, M] : [M, K], 1, 'bf16'), b: r.normal(layout === 'nt' ? [N, K] : [K, N], 1, 'bf16') }),
})
const blocks = (n: number) => Math.ceil(n / 128)
const codes = (r: CaseRandom, shape: number[]) => r.values(shape, Array.from(r.integers(shape, 0, 127).data as Int32Array, (c, i) => (i % 2 ? -1 : 1) * e4m3Values[c]), 'e4m3')
const fp8Case = (bTile: string, [M, N, K]: number[]): OpCase => ({
  name: `${bTile} [${M}, ${N}, ${K}]`, attrs: { layout: 'nt', bTile },
  inputs: (r) => ({ a: codes(r, [M, K]), aScale: r.uniform([M, blocks(K)], 1e-3, 1), b: codes(r, [N, K]), bScale: r.uniform([bTile === '1x128' ? N : blocks(N), blocks(K)], 1e-3, 1) }),
})

const layouts: Layout[] = ['nt', 'nn', 'tn']
/** M, N, K and the tile that one SM chooses. */
const gemmShapes: [number[], string][] = [[[128, 256, 72], '128x256'], [[120, 128, 72], '128x128'], [[128, 64, 200], '128x64'], [[64, 56, 72], '64x64'], [[264, 520, 136], '128x']]
const fp8Shapes: [number[], string][] = [[[128, 128, 144], '128x128'], [[120, 64, 400], '128x64'], [[60, 56, 128], '64x64'], [[376, 264, 144], '128x']]

const specsOf = (c: OpCase): Specs => c.inputs({ normal: (shape: number[], _s: number, dtype: string) => ({ shape, dtype, data: [] }), uniform: (shape: number[]) => ({ shape, dtype: 'f32', data: [] }), integers: (shape: number[]) => ({ shape, dtype: 'i32', data: new Int32Array(0) }), values: (shape: number[], _d: unknown, dtype: string) => ({ shape, dtype, data: [] }) } as unknown as CaseRandom)

async function expectEqual(op: typeof gemm, c: OpCase, backend: CudaBackend): Promise<number> {
  const cell = await runCase(op, c, backend)
  expect(cell.skipped ?? cell.message).toBeUndefined()
  expect(cell.ok).toBe(true)
  return cell.error
}

describe('Hopper kernels on emu:sm_90a', () => {
  const one = backendOf(1)
  const two = backendOf(2)
  const labelOf = (op: typeof gemm, c: OpCase) => {
    const specs = specsOf(c)
    const kernel = kernelFor(op.name, specs, c.attrs, 90)!
    return kernel.launch({ op, specs: { ...specs, ...op.infer(specs, c.attrs) }, attrs: c.attrs, buffers: {} }, { sm: 90, numSms: 1, maxSmemBytes: 232448, emulated: true, exactTensorCores: true })[0].label
  }
  for (const [shape, tile] of gemmShapes) {
    for (const layout of layouts) {
      for (const out of ['f32', 'bf16']) {
        const c = gemmCase(layout, out, shape)
        it(`gemm ${c.name}, tile ${tile}`, async () => {
          expect(labelOf(gemm, c)).toContain(tile)
          await expectEqual(gemm, c, shape[0] > 128 ? two : one)
        })
      }
    }
  }
  for (const [shape, tile] of fp8Shapes) {
    for (const bTile of ['128x128', '1x128']) {
      const c = fp8Case(bTile, shape)
      it(`gemm_fp8 ${c.name}, tile ${tile}`, async () => {
        expect(labelOf(gemm_fp8, c)).toContain(tile)
        await expectEqual(gemm_fp8, c, shape[0] > 128 ? two : one)
      })
    }
  }
  it.each([{ seed: 1, async: 'early' }, { seed: 2, async: 'late' }, { seed: 3, async: 'random' }] as const)('whatever the schedule: %o', async (options) => {
    const backend = backendOf(2, options)
    await expectEqual(gemm, gemmCase('nn', 'f32', [136, 136, 200]), backend)
    await expectEqual(gemm_fp8, fp8Case('1x128', [136, 136, 400]), backend)
  })
  const sanitized = [{ seed: 0, async: 'random' }, { seed: 1, async: 'early' }, { seed: 2, async: 'late' }] as const
  it.each(process.env.FULL ? sanitized : sanitized.slice(0, 1))('nothing for the sanitizer to say: %o', async (options) => {
    const backend = backendOf(2, options, createSanitizer)
    await expectEqual(gemm, gemmCase('nn', 'f32', [136, 136, 400]), backend)
    await expectEqual(gemm, gemmCase('tn', 'bf16', [136, 72, 136]), backend)
    await expectEqual(gemm_fp8, fp8Case('1x128', [136, 72, 912]), backend)
    await expectEqual(gemm_fp8, fp8Case('128x128', [72, 72, 144]), backend)
  })
  it.each([
    ['  fence.proxy.async.shared::cta;\n  bar.sync', '  bar.sync', /missing-proxy-fence/],
    ['  bar.warp.sync -1;\n', '', /shared-race/],
    ['  @%leader cp.async.bulk.wait_group.read 0;\n', '', /async-race/],
  ])('without %j the sanitizer tells', async (from, to, found) => {
    const backend = backendOf(1, {}, createSanitizer, (ptx) => {
      expect(ptx).toContain(from)
      return ptx.replaceAll(from, to)
    })
    expect((await runCase(gemm_fp8, fp8Case('1x128', [136, 72, 912]), backend)).message).toMatch(found)
  })
  for (const [shape] of fp8Shapes) {
    const { name, inputs } = fp8Case('1x128', shape)
    it(`gemm_fp8_bwd_w ${name}`, () => expectEqual(gemm_fp8_bwd_w, { name, attrs: {}, inputs: (r) => ({ ...inputs(r), c: r.normal([shape[0], shape[1]], 30) }) }, two).then(() => {}))
  }
  it('Hopper\'s rounding of fp8 shows, and stays within the kernel\'s own bound', async () => {
    const error = await expectEqual(gemm_fp8, fp8Case('128x128', [128, 128, 256]), backendOf(1, { tensorCore: 'hopper' }))
    expect(error).toBeGreaterThan(1e-5)
  })
  it('a shape that TMA cannot take goes to the rung below', () => {
    const c = gemmCase('nt', 'f32', [7, 5, 3])
    const kernel = (shape: number[]) => kernelFor('gemm', specsOf(gemmCase('nt', 'f32', shape)), c.attrs, 90)
    expect(kernel([7, 5, 3])).toBe(ptxKernels.get('gemm'))
    expect(kernel([8, 8, 8])).toBe(hopperKernels.get('gemm'))
  })
})
