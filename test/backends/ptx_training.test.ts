// Everything that a training step calls has a PTX kernel on the lowest rung, whose launches a GPU takes: every recipe, nano to DeepSeek-V3.
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { DryBackend } from '../../backends/dry/index.ts'
import { kernelFor } from '../../ptx/index.ts'
import { Device } from '../../src/core/device.ts'
import type { CudaInfo, PtxDispatch } from '../../src/core/kernel.ts'
import type { OpCall } from '../../src/core/op.ts'
import { show } from '../../src/core/shape.ts'
import { TokenData } from '../../src/io/data.ts'
import { parseRunConfig } from '../../src/train/config.ts'
import { Trainer } from '../../src/train/trainer.ts'

const ampere: CudaInfo = { sm: 80, numSms: 108, maxSmemBytes: 166912, emulated: false, exactTensorCores: false }

/** Counts as the dry backend does, and asks what a GPU would be given for each call. */
class Watching extends DryBackend {
  readonly problems = new Set<string>()
  readonly seen = new Set<string>()
  override run(call: OpCall): void {
    super.run(call)
    const { op, specs, attrs } = call
    const what = `${op.name}(${Object.entries(specs).map(([n, s]) => `${n} ${show(s)}`).join(', ')})`
    if (this.seen.has(what)) return
    this.seen.add(what)
    const kernel = kernelFor(op.name, specs, attrs, ampere.sm)
    if (!kernel) { this.problems.add(`no kernel: ${what}`); return }
    for (const d of kernel.launch(call, ampere)) for (const p of launchProblems(d)) this.problems.add(`${d.entry}: ${p}: ${what}`)
  }
}

function launchProblems({ grid, block, smemBytes = 0, args }: PtxDispatch): string[] {
  const outside = (n: number, from: number, to: number) => !(Number.isInteger(n) && n >= from && n <= to)
  const scalars = args.filter((a) => Array.isArray(a)) as (readonly [string, number])[]
  return [
    ...([[0, 2 ** 31 - 1], [1, 65535], [2, 65535]] as const).filter(([i, most]) => outside(grid[i], 1, most)).map(([i]) => `grid[${i}] is ${grid[i]}`),
    ...(outside(block[0] * block[1] * block[2], 1, 1024) ? [`block of ${block.join(' x ')}`] : []),
    ...(outside(smemBytes, 0, ampere.maxSmemBytes) ? [`${smemBytes} bytes of shared memory`] : []),
    ...scalars.filter(([type, n]) => (type === 'u32' && outside(n, 0, 2 ** 32 - 1)) || (type === 'i32' && outside(n, -(2 ** 31), 2 ** 31 - 1))).map(([type, n]) => `${n} is no ${type}`),
  ]
}

const preset = (name: string, train: object) => {
  const json = JSON.parse(readFileSync(new URL(`../../presets/${name}.json`, import.meta.url), 'utf8'))
  return parseRunConfig({ ...json, train: { ...json.train, ...train } }, name)
}

describe('a training step on sm_80', () => {
  for (const name of ['nano', 'tiny', 'small', 'deepseek-v3']) {
    for (const precision of ['f32', 'bf16', 'fp8']) {
      it(`${name} in ${precision}`, async () => {
        const config = preset(name, { precision, ...(name === 'deepseek-v3' && { batchSize: 1, batchRamp: [] }) })
        const backend = new Watching()
        const { sequenceLength, batchSize } = config.train
        const data = new TokenData(new Uint8Array(2 * (sequenceLength * batchSize + 2)), { sequenceLength, vocabSize: config.model.vocab_size, validationFraction: 0.5, seed: 0, extra: 2 })
        const trainer = new Trainer({ device: new Device(backend), config, data, initialize: false })
        await trainer.queueStep()
        await trainer.evaluate()
        expect([...backend.problems]).toEqual([])
        expect(backend.seen.size).toBeGreaterThan(50)
      })
    }
  }
})
