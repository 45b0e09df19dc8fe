// PTX kernels beyond their parity cases: the forms that only large sizes take, and the same bits under every schedule.
import { describe, expect, it } from 'vitest'
import { CudaBackend } from '../../backends/cuda/index.ts'
import { EmulatorDriver } from '../../backends/emulator/driver.ts'
import { ptxKernels } from '../../ptx/index.ts'
import { caseRandom } from '../../src/check/random.ts'
import { runCase } from '../../src/check/index.ts'
import { Device } from '../../src/core/device.ts'
import type { OpCase } from '../../src/core/op.ts'
import { moe_gate } from '../../src/ops/moe_gate.ts'
import { ops } from '../../src/ops/index.ts'
import { sort_by_key } from '../../src/ops/sort_by_key.ts'

const emulator = (seed: number) => new Device(new CudaBackend(new EmulatorDriver('sm_80', { seed })))

describe('large forms on emu:sm_80', () => {
  it('moe_gate orders more experts than shared memory holds', async () => {
    // Logits a tenth apart: no two scores are close.
    const E = 4096
    const values = Array.from({ length: 2 * E }, (_, i) => -6 + (12 * ((i * 1237) % E)) / E)
    const testCase: OpCase = { name: 'large', attrs: { groups: 4, topkGroup: 2, topk: 5 }, inputs: (r) => ({ logits: r.values([2, E], values), bias: r.values([E], new Array(E).fill(0)) }) }
    const { ok, message } = await runCase(moe_gate, testCase, emulator(0).backend)
    expect(message).toBeUndefined()
    expect(ok).toBe(true)
  })
  it('sort_by_key sums more counts than one block does', async () => {
    const testCase: OpCase = { name: 'large', attrs: { numKeys: 300 }, inputs: (r) => ({ keys: r.integers([9500], -3, 310) }) }
    const { ok, message } = await runCase(sort_by_key, testCase, emulator(0).backend)
    expect(message).toBeUndefined()
    expect(ok).toBe(true)
  })
})

describe('the same bits whatever the order of blocks and warps', () => {
  for (const [op, cases] of ops) {
    if (!ptxKernels.has(op.name)) continue
    // The largest quick case has the most blocks.
    const quick = cases.filter((c) => !c.slow).map((c) => ({ c, inputs: c.inputs(caseRandom(`${op.name} ${c.name}`)) }))
    const size = (x: (typeof quick)[number]) => Object.values(x.inputs).reduce((n, t) => n + t.data.length, 0)
    const { c, inputs } = quick.reduce((a, b) => (size(b) > size(a) ? b : a))
    it(`${op.name} ${c.name}`, async (context) => {
      const results: number[][][] = []
      for (const seed of [1, 2]) {
        const device = emulator(seed)
        const tensors = Object.fromEntries(op.args.filter(([, role]) => role !== 'out').map(([name]) => [name, device.tensor(inputs[name].dtype, inputs[name].shape, inputs[name].data)]))
        let out
        try { out = device.run(op, tensors, c.attrs) } catch (error) { if ((error as Error).name === 'UnsupportedOp') return context.skip(); throw error }
        const written = op.args.filter(([, role]) => role !== 'in').map(([name]) => out[name] ?? tensors[name])
        results.push(await Promise.all(written.map(async (t) => Array.from(await t.read()))))
      }
      expect(results[1]).toEqual(results[0])
    })
  }
})
