// What a GPU would get: the tiles that the emulator's own choice leaves out, and equal bits whatever order blocks, warps and copies take.
import { describe, expect, it } from 'vitest'
import { CudaBackend } from '../../backends/cuda/index.ts'
import { EmulatorDriver } from '../../backends/emulator/driver.ts'
import type { EmulatorOptions } from '../../backends/emulator/machine.ts'
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
import { offsetsOf } from '../../src/ops/grouped_gemm.cases.ts'
import { grouped_gemm } from '../../src/ops/grouped_gemm.ts'
import { grouped_gemm_bwd_w } from '../../src/ops/grouped_gemm_bwd_w.ts'

/** A GPU of `numSms` multiprocessors, by its attributes: one lets the largest tile win always. */
function gpu(numSms: number, options: Partial<EmulatorOptions> = {}): CudaBackend {
  const driver = new EmulatorDriver('sm_80', options)
  Object.assign(driver.attributes, { emulated: false, numSms })
  return new CudaBackend(driver)
}

const gemmCase = (layout: Layout, dtype: FloatOut, [M, N, K]: number[]): OpCase => ({
  name: `${layout} [${M}, ${N}, ${K}] ${dtype}`, attrs: { layout, out: 'f32' },
  inputs: (r) => ({ a: r.normal(layout === 'tn' ? [K, M] : [M, K], 1, dtype), b: r.normal(layout === 'nt' ? [N, K] : [K, N], 1, dtype) }),
})
const grouping = { name: '', P: 304, rowAlign: 8, offsets: [0, 136, 136, 144, 288] }
const groupedCase = (layout: 'nt' | 'nn', dtype: FloatOut, N: number, K: number): OpCase => ({
  name: `${layout} [304, ${N}, ${K}] ${dtype}`, attrs: { layout, rowAlign: 8, out: 'f32' },
  inputs: (r: CaseRandom) => ({ x: r.normal([304, K], 1, dtype), w: r.normal(layout === 'nt' ? [4, N, K] : [4, K, N], 1, dtype), offsets: offsetsOf(r, grouping) }),
})
const sumCase = (dtype: FloatOut, N: number, K: number): OpCase => ({
  name: `[304, ${N}, ${K}] ${dtype}`, attrs: {},
  inputs: (r) => ({ dy: r.normal([304, N], 1, dtype), x: r.normal([304, K], 1, dtype), offsets: offsetsOf(r, grouping) }),
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
  const chosen = cases.filter(([, c]) => /nt \[|136, 40|66, 1/.test(c.name) && !/136, 128/.test(c.name))
  for (const [op, c] of chosen) {
    it(`${op.name} > ${c.name}`, async () => {
      const [first, second] = await Promise.all([{ seed: 0, async: 'early' }, { seed: 7, async: 'late' }].map((o) => outputsOf(gpu(8, o as Partial<EmulatorOptions>), op, c)))
      expect(second).toEqual(first)
    })
  }
})
