// A run configuration small enough for hundreds of steps in a test, with MTP, groups, a shared expert and a dense layer.
import { readFileSync } from 'node:fs'
import { TokenData } from '../../src/io/data.ts'
import { parseRunConfig, type RunConfig } from '../../src/train/config.ts'

type Overrides = { model?: object; train?: object; checkpoint?: object; data?: object }

export function smallRun(overrides: Overrides = {}): RunConfig {
  const nano = JSON.parse(readFileSync(new URL('../../presets/nano.json', import.meta.url), 'utf8'))
  return parseRunConfig({
    model: { ...nano.model, ...overrides.model },
    train: { ...nano.train, sequenceLength: 16, batchSize: 2, evalEvery: 0, evalBatches: 1, ...overrides.train },
    data: { ...nano.data, validationFraction: 0.1, ...overrides.data },
    checkpoint: { every: 0, keep: 2, ...overrides.checkpoint },
  }, 'test')
}

/** About 20 kB of text-like bytes. */
export function smallText(): Uint8Array {
  const words = 'in the beginning god created heaven and earth light darkness waters face deep spirit moved upon'.split(' ')
  let text = ''
  for (let i = 0, state = 7; text.length < 20_000; i++) {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0
    text += `${words[(state >>> 16) % words.length]}${i % 11 === 10 ? '. ' : ' '}`
  }
  return new TextEncoder().encode(text)
}

export function smallData(config: RunConfig): TokenData {
  return new TokenData(smallText(), { sequenceLength: config.train.sequenceLength, vocabSize: 256, seed: 1, validationFraction: 0.1, extra: 2 })
}
