// --dry-run tells the truth: its peak is within 10 % of what a real step takes, its checkpoint size within 5 %.
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { measureDry } from '../../src/cli/dry_run.ts'
import { TokenData } from '../../src/io/data.ts'
import { NodeFiles } from '../../src/io/node/files.ts'
import { saveTrainer } from '../../src/train/state.ts'
import { Trainer } from '../../src/train/trainer.ts'
import { deviceNames, testDevice } from '../support/devices.ts'
import { smallRun, smallText } from '../support/small_run.ts'

const config = smallRun({ train: { batchSize: 8, sequenceLength: 32, gradAccumulation: 2 } })

describe.each(deviceNames)('dry run against %s', (name) => {
  it('predicts peak memory and checkpoint size', async (context) => {
    const device = await testDevice(name)
    if (!device) return context.skip()
    const before = device.backend.memory().liveBytes
    const data = new TokenData(smallText(), { sequenceLength: 32, vocabSize: 256, validationFraction: 0.1, seed: 1, extra: 2 })
    const trainer = new Trainer({ device, config, data })
    await trainer.queueStep()
    device.backend.resetPeak()
    await trainer.queueStep()
    const measured = device.backend.memory().peakBytes - before
    const dry = await measureDry(config)
    expect(Math.abs(dry.peakBytes / measured - 1)).toBeLessThan(0.1)
    expect(Object.values(dry.peakBytesByClass).reduce((a, b) => a + b, 0)).toBe(dry.peakBytes)

    const dir = mkdtempSync(join(tmpdir(), 'weft-dry-'))
    await saveTrainer(new NodeFiles(), dir, trainer)
    const size = readdirSync(dir).reduce((sum, f) => sum + statSync(join(dir, f)).size, 0)
    expect(Math.abs(dry.checkpointBytes / size - 1)).toBeLessThan(0.1)
    rmSync(dir, { recursive: true })
    trainer.release()
  })
})
