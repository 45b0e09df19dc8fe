// Every PTX kernel under the sanitizer: the parity cases of src/ops, with equal results and not one diagnostic.
import { describe, expect, it } from 'vitest'
import { CudaBackend } from '../../backends/cuda/index.ts'
import { EmulatorDriver } from '../../backends/emulator/driver.ts'
import { createSanitizer } from '../../backends/emulator/sanitizer/index.ts'
import { ptxKernels } from '../../ptx/index.ts'
import { runCase } from '../../src/check/index.ts'
import { ops } from '../../src/ops/index.ts'
import { sanitizerCases } from './sanitizer_cases.ts'

describe('emu:sm_80 with the sanitizer', () => {
  for (const [op, cases] of ops) {
    if (!ptxKernels.has(op.name)) continue
    for (const c of cases) {
      it.skipIf(c.slow && !process.env.FULL)(`${op.name} > ${c.name}`, async () => {
        const backend = new CudaBackend(new EmulatorDriver('sm_80', { seed: 1 }, createSanitizer))
        const cell = await runCase(op, c, backend)
        expect(cell.skipped ?? cell.message).toBeUndefined()
        expect(cell.ok).toBe(true)
      })
    }
  }
  it('a diagnostic is an error of the next wait', async () => {
    const race = sanitizerCases().find((c) => c.name === 'races_shared: war_warps')!
    for (const sanitize of [true, false]) {
      const driver = new EmulatorDriver('sm_90a', {}, sanitize ? createSanitizer : undefined)
      const fn = (await driver.loadModule(race.text, 'race')).functions.get(race.launch.kernel)!
      const [out, source] = [driver.alloc(16384), driver.alloc(16384)]
      const params = new DataView(new ArrayBuffer(fn.paramBytes))
      for (const [i, pointer] of [out, source].entries()) params.setBigUint64(fn.params[i].offset, BigInt(pointer), true)
      driver.launch(fn, { grid: [1, 1, 1], block: [128, 1, 1] }, new Uint8Array(params.buffer))
      if (sanitize) await expect(driver.synchronize()).rejects.toThrow(/shared-race: race\.ptx:\d+/)
      else await expect(driver.synchronize()).resolves.toBeUndefined()
    }
  })
})
