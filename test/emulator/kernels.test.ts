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
    for (const c of cases) {
      it.skipIf(c.slow && !process.env.FULL)(`${op.name} > ${c.name}`, async () => {
        const cell = await runCase(op, c, device.backend)
        expect(cell.skipped ?? cell.message).toBeUndefined()
        expect(cell.ok).toBe(true)
      })
    }
  }
  it('has a kernel for every op', () => expect(ops.map(([op]) => op.name).filter((name) => !ptxKernels.has(name))).toEqual([]))
  it('names an op without a kernel', async () => {
    const [op, cases] = ops[0]
    expect((await runCase({ ...op, name: 'mystery' }, cases[0], device.backend)).skipped).toMatch(/mystery on emu:sm_80/)
  })
})
