// Every PTX kernel on the emulator against its op's reference: the parity cases of src/ops.
import { describe, expect, it } from 'vitest'
import { ptxKernels } from '../../ptx/index.ts'
import { runCase } from '../../src/check/index.ts'
import { openDevice } from '../../src/device.ts'
import { ops } from '../../src/ops/index.ts'

const device = (await openDevice('emu:sm_80')).device

describe('emu:sm_80', () => {
  it('runs on the emulator of sm_80', () => expect(device.backend.description).toMatch(/PTX emulator of sm_80/))
  for (const [op, cases] of ops) {
    if (!ptxKernels.has(op.name)) continue
    for (const c of cases) {
      it.skipIf(c.slow && !process.env.FULL)(`${op.name} > ${c.name}`, async () => {
        const cell = await runCase(op, c, device.backend)
        expect(cell.skipped ?? cell.message).toBeUndefined()
        expect(cell.ok).toBe(true)
      })
    }
  }
  it('names an op without a kernel', async () => {
    const [op, cases] = ops.find(([o]) => !ptxKernels.has(o.name))!
    expect((await runCase(op, cases[0], device.backend)).skipped).toMatch(new RegExp(`${op.name} on emu:sm_80`))
  })
})
