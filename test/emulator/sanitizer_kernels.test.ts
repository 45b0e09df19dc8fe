// Every PTX kernel under the sanitizer: the parity cases of src/ops, with equal results and not one diagnostic.
import { describe, expect, it } from 'vitest'
import { CudaBackend } from '../../backends/cuda/index.ts'
import { EmulatorDriver } from '../../backends/emulator/driver.ts'
import { createSanitizer } from '../../backends/emulator/sanitizer/index.ts'
import { ptxKernels } from '../../ptx/index.ts'
import { runCase } from '../../src/check/index.ts'
import { ops } from '../../src/ops/index.ts'

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
})
