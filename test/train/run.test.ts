// The run as a whole: learning, determinism, bitwise resume, memory, lost devices.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import type { CudaFunction } from '../../backends/cuda/driver.ts'
import { CudaBackend } from '../../backends/cuda/index.ts'
import { EmulatorDriver } from '../../backends/emulator/driver.ts'
import { Device } from '../../src/core/device.ts'
import { NodeFiles } from '../../src/io/node/files.ts'
import type { RunConfig } from '../../src/train/config.ts'
import { train, type RunEvent } from '../../src/train/run.ts'
import { Trainer } from '../../src/train/trainer.ts'
import { openDevice } from '../../src/device.ts'
import { deviceNames, testDevice } from '../support/devices.ts'
import { smallData, smallRun, smallText } from '../support/small_run.ts'

const root = mkdtempSync(join(tmpdir(), 'weft-run-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))

async function run(device: Device, config: RunConfig, dir: string, options: { stopAfter?: number; warnings?: string[] } = {}) {
  const controller = new AbortController()
  const events: RunEvent[] = []
  for await (const event of train({
    device, config, tokens: smallText(), files: new NodeFiles(), runDir: join(root, dir), signal: controller.signal,
    warn: (m) => { options.warnings?.push(m) },
  })) {
    events.push(event)
    if (event.event === 'step' && event.step === options.stopAfter) controller.abort()
  }
  return events
}

const losses = (events: RunEvent[]) => events.flatMap((e) => (e.event === 'step' ? [[e.step, e.loss, e.gradNorm]] : []))
const filesOf = (dir: string) => Object.fromEntries(readdirSync(join(root, dir)).sort().map((f) => [f, readFileSync(join(root, dir, f)).toString('base64')]))

for (const name of deviceNames) {
  describe(`a run on ${name}`, () => {
    it('lowers the loss, and twice gives the same bits', async (context) => {
      const device = await testDevice(name)
      if (!device) return context.skip()
      const config = smallRun({ train: { steps: 15, gradAccumulation: 2, optimizer: { lr: 0.01 } } })
      const first = await run(device, config, `${name}-a`)
      const second = await run(device, config, `${name}-b`)
      const all = losses(first)
      expect(all).toHaveLength(15)
      expect(all.at(-1)![1]).toBeLessThan(all[0][1] - 0.5)
      expect(losses(second)).toEqual(all)
      expect(filesOf(`${name}-b/step-15`)).toEqual(filesOf(`${name}-a/step-15`))
    })

    it('resumes bit for bit where it was stopped', async (context) => {
      const device = await testDevice(name)
      if (!device) return context.skip()
      const config = smallRun({ train: { steps: 9 } })
      const quiet = await run(device, config, `${name}-quiet`)
      const before = await run(device, config, `${name}-cut`, { stopAfter: 3 })
      expect(before.at(-1)).toMatchObject({ event: 'stopped' })
      const after = await run(device, config, `${name}-cut`)
      const again = new Map([...losses(before), ...losses(after)].map((row) => [row[0], row]))
      expect([...again.values()]).toEqual(losses(quiet))
      expect(filesOf(`${name}-cut/step-9`)).toEqual(filesOf(`${name}-quiet/step-9`))
    })

    it('leaves live bytes as they were after each step', async (context) => {
      const device = await testDevice(name)
      if (!device) return context.skip()
      const config = smallRun({ train: { steps: 4, gradAccumulation: 2 } })
      const before = device.backend.memory().liveBytes
      const trainer = new Trainer({ device, config, data: smallData(config) })
      await trainer.queueStep()
      const afterOne = device.backend.memory().liveBytes
      for (let i = 0; i < 3; i++) await trainer.queueStep()
      await trainer.evaluate()
      expect(device.backend.memory().liveBytes).toBe(afterOne)
      trainer.release()
      expect(device.backend.memory().liveBytes).toBe(before)
    })
  })
}

describe('bf16 and fp8 recipes', () => {
  it.each(['bf16', 'fp8'])('%s lowers the loss on cpu', async (precision) => {
    const device = (await testDevice('cpu'))!
    const events = await run(device, smallRun({ train: { steps: 12, precision, optimizer: { lr: 0.01 } } }), `cpu-${precision}`)
    const all = losses(events)
    expect(all.at(-1)![1]).toBeLessThan(all[0][1] - 0.4)
  })

  it.each(['bf16', 'fp8'])('%s on emu:sm_80 resumes bit for bit', async (precision) => {
    const device = (await testDevice('emu:sm_80'))!
    const config = smallRun({ train: { steps: 4, precision, optimizer: { lr: 0.01 } } })
    const quiet = await run(device, config, `emu-${precision}`)
    const before = await run(device, config, `emu-${precision}-cut`, { stopAfter: 1 })
    const after = await run(device, config, `emu-${precision}-cut`)
    expect([...losses(before), ...losses(after)].at(-1)).toEqual(losses(quiet).at(-1))
    expect(filesOf(`emu-${precision}-cut/step-4`)).toEqual(filesOf(`emu-${precision}/step-4`))
  })
})

describe('a step whose gradient is not finite', () => {
  it('changes no weight', async () => {
    const device = (await testDevice('cpu'))!
    const config = smallRun({ train: { steps: 30 } })
    const trainer = new Trainer({ device, config, data: smallData(config) })
    const gate = trainer.model.parameters.get('model.norm.weight')
    const values = await gate.tensor.read()
    gate.tensor.write(values.map(() => NaN))
    const other = trainer.model.parameters.get('lm_head.weight').tensor
    const before = await other.readBytes()
    const metrics = await trainer.queueStep()
    expect(Number.isFinite(metrics.gradNorm)).toBe(false)
    expect(await other.readBytes()).toEqual(before)
    trainer.release()
  })
})

describe('a lost device', () => {
  /** Breaks its device at step 4; then the run goes on, on a sound one, from the last checkpoint. */
  async function loseAndGoOn(device: Device, breakIt: () => void, sound: Device, dir: string) {
    const config = smallRun({ train: { steps: 6 }, checkpoint: { every: 2 } })
    const losing = async () => {
      for await (const event of train({ device, config, tokens: smallText(), files: new NodeFiles(), runDir: join(root, dir) })) {
        if (event.event === 'checkpoint' && event.step === 4) breakIt()
      }
    }
    await expect(losing()).rejects.toMatchObject({ name: 'DeviceLost', exitCode: 75 })
    const events = await run(sound, config, dir)
    expect(events[0]).toMatchObject({ event: 'start', step: 4 })
    expect(events.at(-1)).toMatchObject({ event: 'finished', step: 6 })
  }

  it('ends the run with DeviceLost (exit code 75); the last checkpoint is intact and the run goes on from it', async (context) => {
    if (!(await testDevice('webgpu'))) return context.skip()
    const { device } = await openDevice('webgpu') // one of its own: it will not survive
    await loseAndGoOn(device, () => (device.backend as unknown as { gpu: GPUDevice }).gpu.destroy(), (await testDevice('webgpu'))!, 'lost')
  })

  it('so does a kernel that faults', async () => {
    const driver = new FaultingDriver('sm_80')
    const fault = await driver.loadModule('.version 8.0\n.target sm_80\n.address_size 64\n.visible .entry fault() { .reg .b64 %p; mov.u64 %p, 64; st.global.u64 [%p], %p; ret; }', 'fault')
    await loseAndGoOn(new Device(new CudaBackend(driver)), () => { driver.instead = fault.functions.get('fault') }, (await testDevice('emu:sm_80'))!, 'faulted')
  })
})

/** Once told so, launches another kernel in place of what it is given. */
class FaultingDriver extends EmulatorDriver {
  instead: CudaFunction | undefined
  override launch(...[fn, config, params, ...more]: Parameters<EmulatorDriver['launch']>): void {
    if (this.instead) super.launch(this.instead, { grid: [1, 1, 1], block: [1, 1, 1] }, new Uint8Array(0), ...more)
    else super.launch(fn, config, params, ...more)
  }
}
