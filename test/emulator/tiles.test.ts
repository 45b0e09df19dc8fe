// What a GPU would get: the tiles and the cp.async copies that the emulator's own choice leaves out, and equal bits whatever order blocks,
// warps and copies take.
import { describe, expect, it } from 'vitest'
import { CudaBackend } from '../../backends/cuda/index.ts'
import { EmulatorDriver } from '../../backends/emulator/driver.ts'
import type { EmulatorOptions } from '../../backends/emulator/machine.ts'
import { createSanitizer } from '../../backends/emulator/sanitizer/index.ts'
import { runCase, runReference } from '../../src/check/index.ts'
import { caseRandom } from '../../src/check/random.ts'
import type { Numbers } from '../../src/core/dtype.ts'
import { Device } from '../../src/core/device.ts'
import type { CaseRandom, Op, OpCase } from '../../src/core/op.ts'
import type { Tensor } from '../../src/core/tensor.ts'
import { attention } from '../../src/ops/attention.ts'
import { attention_bwd } from '../../src/ops/attention_bwd.ts'
import type { FloatOut, Layout } from '../../src/ops/gemm.ts'
import { gemmOp } from '../../src/ops/gemm.ts'
import { gemm_fp8, gemmFp8 } from '../../src/ops/gemm_fp8.ts'
import { offsetsOf } from '../../src/ops/grouped_gemm.cases.ts'
import { grouped_gemm } from '../../src/ops/grouped_gemm.ts'
import { grouped_gemm_bwd_w } from '../../src/ops/grouped_gemm_bwd_w.ts'
import { grouped_gemm_fp8 } from '../../src/ops/grouped_gemm_fp8.ts'
import { grouped_gemm_fp8_bwd_w } from '../../src/ops/grouped_gemm_fp8_bwd_w.ts'
import { fp8Operand } from '../../src/ops/quantize_fp8.cases.ts'
import { quantizeFp8 } from '../../src/ops/quantize_fp8.ts'

/** A GPU of `numSms` multiprocessors, by its attributes: one lets the largest tile win always. Copies go by cp.async there only. */
function gpuDriver(numSms: number, options: Partial<EmulatorOptions> = {}, sanitizer?: typeof createSanitizer): EmulatorDriver {
  const driver = new EmulatorDriver('sm_80', options, sanitizer)
  Object.assign(driver.attributes, { emulated: false, numSms })
  return driver
}
const gpu = (numSms: number, options: Partial<EmulatorOptions> = {}) => new CudaBackend(gpuDriver(numSms, options))

const gemmCase = (layout: Layout, dtype: FloatOut, [M, N, K]: number[]): OpCase => ({
  name: `${layout} [${M}, ${N}, ${K}] ${dtype}`, attrs: { layout, out: 'f32' },
  inputs: (r) => ({ a: r.normal(layout === 'tn' ? [K, M] : [M, K], 1, dtype), b: r.normal(layout === 'nt' ? [N, K] : [K, N], 1, dtype) }),
})
const grouping = { name: '', P: 304, rowAlign: 8, offsets: [0, 136, 136, 144, 288] }
const groupedCase = (layout: 'nt' | 'nn', dtype: FloatOut, N: number, K: number, P = 304): OpCase => ({
  name: `${layout} [${P}, ${N}, ${K}] ${dtype}`, attrs: { layout, rowAlign: 8, out: 'f32' },
  inputs: (r: CaseRandom) => ({ x: r.normal([P, K], 1, dtype), w: r.normal(layout === 'nt' ? [4, N, K] : [4, K, N], 1, dtype), offsets: offsetsOf(r, { ...grouping, offsets: [0, 136, 136, 144, P - 16] }) }),
})
const sumCase = (dtype: FloatOut, N: number, K: number): OpCase => ({
  name: `[304, ${N}, ${K}] ${dtype}`, attrs: {},
  inputs: (r) => ({ dy: r.normal([304, N], 1, dtype), x: r.normal([304, K], 1, dtype), offsets: offsetsOf(r, grouping) }),
})

const tiles = (n: number) => Math.ceil(n / 128)
const fp8Case = (layout: 'nt' | 'nn', bTile: '128x128' | '1x128', [M, N, K]: number[]): OpCase => ({
  name: `${layout} ${bTile} [${M}, ${N}, ${K}] e4m3`, attrs: { layout, bTile },
  inputs: (r) => {
    const [rows, columns] = layout === 'nt' ? [N, K] : [K, N]
    const [a, aScale] = fp8Operand(r, [M, K], [M, tiles(K)]), [b, bScale] = fp8Operand(r, [rows, columns], [bTile === '1x128' ? rows : tiles(rows), tiles(columns)])
    return { a, aScale, b, bScale }
  },
})
const fp8Grouping = { name: '', P: 384, rowAlign: 128, offsets: [0, 128, 128, 384] }
const groupedFp8Case = (layout: 'nt' | 'nn', N: number, K: number): OpCase => ({
  name: `${layout} [384, ${N}, ${K}] e4m3`, attrs: { layout, rowAlign: 128 },
  inputs: (r) => {
    const [rows, columns] = layout === 'nt' ? [N, K] : [K, N]
    const [x, xScale] = fp8Operand(r, [384, K], [384, tiles(K)]), [w, wScale] = fp8Operand(r, [3, rows, columns], [3, tiles(rows), tiles(columns)])
    return { x, xScale, w, wScale, offsets: offsetsOf(r, fp8Grouping) }
  },
})
const fp8SumCase = (N: number, K: number): OpCase => ({
  name: `[384, ${N}, ${K}] e4m3`, attrs: {},
  inputs: (r) => {
    const [dyT, dyScale] = fp8Operand(r, [N, 384], [N, 3]), [xT, xScale] = fp8Operand(r, [K, 384], [K, 3])
    return { dyT, dyScale, xT, xScale, offsets: offsetsOf(r, fp8Grouping) }
  },
})

/** Heads wider than a block's columns: several blocks share them. */
const wide = { seqLen: 66, scale: 0.08 }
const qkv = (r: CaseRandom) => ({ q: r.normal([66, 1, 132]), k: r.normal([66, 1, 132]), v: r.normal([66, 1, 130]) })
const wideAttention: OpCase = { name: '[66, 1, 132], value 130', attrs: wide, inputs: qkv }
const wideAttentionBwd: OpCase = { ...wideAttention, inputs: (r) => { const x = qkv(r); return { dout: r.normal([66, 1, 130]), ...x, ...runReference(attention, x, wide) } } }

const dtypes: FloatOut[] = ['f32', 'bf16']
/** Whole and cut tiles, with 16-byte, 4-byte and single copies. */
const cases: [Op, OpCase][] = [
  ...dtypes.flatMap((dtype) => [
    ...(['nt', 'nn', 'tn'] as const).flatMap((layout) => [[136, 128, 72], [130, 66, 34], [67, 131, 35]].map((size): [Op, OpCase] => [gemmOp, gemmCase(layout, dtype, size)])),
    ...(['nt', 'nn'] as const).map((layout): [Op, OpCase] => [grouped_gemm, groupedCase(layout, dtype, 72, 40)]),
    [grouped_gemm_bwd_w, sumCase(dtype, 136, 40)] as [Op, OpCase],
  ]),
  ...[[130, 132, 272], [130, 130, 132], [3, 131, 131]].map((size): [Op, OpCase] => [gemm_fp8, fp8Case('nn', '128x128', size)]),
  ...(['128x128', '1x128'] as const).map((bTile): [Op, OpCase] => [gemm_fp8, fp8Case('nt', bTile, [130, 133, 272])]),
  [gemm_fp8, fp8Case('nt', '1x128', [3, 130, 131])],
  [grouped_gemm_fp8, groupedFp8Case('nt', 36, 144)], [grouped_gemm_fp8, groupedFp8Case('nn', 36, 144)], [grouped_gemm_fp8_bwd_w, fp8SumCase(130, 36)],
  // More than a band of eight rows of tiles.
  [gemmOp, gemmCase('nt', 'f32', [1100, 130, 4])], [grouped_gemm, groupedCase('nt', 'bf16', 130, 8, 1200)],
  [attention, wideAttention], [attention_bwd, wideAttentionBwd],
]

describe('the tiles of a GPU', () => {
  const backend = gpu(1)
  for (const [op, c] of cases) {
    it(`${op.name} > ${c.name}`, async () => {
      const cell = await runCase(op, c, backend)
      expect(cell.skipped ?? cell.message).toBeUndefined()
      expect(cell.ok).toBe(true)
    })
  }
})

async function outputsOf(backend: CudaBackend, op: Op, c: OpCase): Promise<Numbers[]> {
  const device = new Device(backend)
  const inputs = c.inputs(caseRandom(c.name))
  const tensors: Record<string, Tensor> = {}
  for (const [name, { dtype, shape, data }] of Object.entries(inputs)) tensors[name] = device.tensor(dtype, shape, data)
  return Promise.all(Object.values(device.run(op, tensors, c.attrs)).map((t) => t.read()))
}

describe('any order gives the same bits', () => {
  const chosen = cases.filter(([, c]) => /nt \[|136, 40|66, 1|272|130, 36/.test(c.name) && !/136, 128|1100|1200/.test(c.name))
  for (const [op, c] of chosen) {
    it(`${op.name} > ${c.name}`, async () => {
      const [first, second] = await Promise.all([{ seed: 0, async: 'early' }, { seed: 7, async: 'late' }].map((o) => outputsOf(gpu(8, o as Partial<EmulatorOptions>), op, c)))
      expect(second).toEqual(first)
    })
  }
})

describe('what is not finite', () => {
  it('makes its row NaN through fp8, whatever its codes', async () => {
    const x = caseRandom('x').normal([4, 256]).data.slice()
    x[3] = Infinity; x[256 + 130] = NaN; x[512 + 5] = -Infinity
    const device = new Device(gpu(1))
    const a = quantizeFp8(device.tensor('f32', [4, 256], x), '1x128'), b = quantizeFp8(device.tensor('f32', [8, 256], caseRandom('w').normal([8, 256]).data), '128x128')
    const c = await gemmFp8(a.q, a.scale, b.q, b.scale, 'nt').read()
    expect(Array.from(c, Number.isNaN)).toEqual(Array.from(c, (_, i) => i < 24))
  })
})

describe('under the sanitizer', () => {
  /** What is said of a case whose kernel was changed. */
  async function said(op: Op, c: OpCase, change: (ptx: string) => string): Promise<string | undefined> {
    const driver = gpuDriver(1, { async: 'late' }, createSanitizer)
    const load = driver.loadModule.bind(driver)
    driver.loadModule = (ptx, name) => load(change(ptx), name)
    return (await runCase(op, c, new CudaBackend(driver))).message
  }
  const asyncRead = /before|complete|async/i
  const narrowAttention: OpCase = { name: '[66, 1, 36], value 8', attrs: wide, inputs: (r) => ({ q: r.normal([66, 1, 36]), k: r.normal([66, 1, 36]), v: r.normal([66, 1, 8]) }) }
  const guarded: [Op, OpCase, RegExp][] = [
    [gemmOp, gemmCase('nn', 'bf16', [70, 40, 136]), asyncRead], [gemm_fp8, fp8Case('nt', '128x128', [20, 40, 400]), asyncRead], [attention, narrowAttention, asyncRead],
  ]
  for (const [op, c, message] of guarded) {
    it(`${op.name} is clean`, async () => expect(await said(op, c, (ptx) => ptx)).toBeUndefined())
    it(`${op.name} without its waits reads what has not landed`, async () => expect(await said(op, c, (ptx) => ptx.replace(/cp\.async\.wait_group \d+;/g, ''))).toMatch(message))
    it(`${op.name} without its barriers races`, async () => expect(await said(op, c, (ptx) => ptx.replace(/bar\.sync 0;/g, ''))).toMatch(/race|async/i))
  }
})
