// What parity does not show of PTX kernels: the same bits under every schedule.
import { describe, expect, it } from 'vitest'
import { CudaBackend } from '../../backends/cuda/index.ts'
import { EmulatorDriver } from '../../backends/emulator/driver.ts'
import { ptxKernels } from '../../ptx/index.ts'
import { caseRandom } from '../../src/check/random.ts'
import { Device } from '../../src/core/device.ts'
import type { HostTensor } from '../../src/core/op.ts'
import { ops } from '../../src/ops/index.ts'

const emulator = (seed: number) => new Device(new CudaBackend(new EmulatorDriver('sm_80', { seed })))

describe('the same bits whatever the order of blocks and warps', () => {
  for (const [op, cases] of ops) {
    if (!ptxKernels.has(op.name)) continue
    // The largest case that is quick under two schedules has the most blocks.
    const size = (x: { inputs: Record<string, HostTensor> }) => Object.values(x.inputs).reduce((n, t) => n + t.data.length, 0)
    const quick = cases.filter((c) => !c.slow).map((c) => ({ c, inputs: c.inputs(caseRandom(`${op.name} ${c.name}`)) })).filter((x) => size(x) < 30_000)
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
