import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { InputError } from '../../src/core/errors.ts'
import { applySet, batchSizeAt, biasUpdateSpeedAt, learningRate, mtpLossWeightAt, parseRunConfig } from '../../src/train/config.ts'
import { mutate } from '../support/mutate_json.ts'

const preset = (name: string): unknown => JSON.parse(readFileSync(new URL(`../../presets/${name}.json`, import.meta.url), 'utf8'))
const tiny = preset('tiny')
const withSet = (...sets: string[]) => parseRunConfig(sets.reduce(applySet, tiny), 'run.json')

describe('parseRunConfig', () => {
  it.each(['nano', 'tiny', 'small', 'deepseek-v3'])('reads the preset %s, and its own result again', (name) => {
    const config = parseRunConfig(preset(name), name)
    expect(parseRunConfig(JSON.parse(JSON.stringify(config)), 'again')).toEqual(config)
  })

  it('fills in defaults', () => {
    const { model } = tiny as { model: unknown }
    const config = parseRunConfig({ model, train: { steps: 1, batchSize: 1, sequenceLength: 8, optimizer: { lr: 1e-3 } } }, 'run.json')
    expect(config.train.optimizer).toEqual({ lr: 1e-3, beta1: 0.9, beta2: 0.95, eps: 1e-8, weightDecay: 0.1, clip: 1 })
    expect(config.train.schedule).toEqual({ warmupSteps: 0, kind: 'constant', tail: [] })
    expect(config.train.initializerRange).toBe(0.006)
    expect(config.data).toEqual({ kind: 'kjv', paths: [], field: 'text', tokenizer: 'bytes', validationFraction: 0.05 })
    expect(config.checkpoint).toEqual({ every: 100, keep: 3 })
  })

  it('takes paths as files', () => {
    const json = { ...(tiny as object), data: { paths: ['a.txt'] } }
    expect(parseRunConfig(json, 'run.json').data.kind).toBe('files')
  })

  it.each<[string, string, string]>([
    ['a missing value', 'train.steps=null', 'run.json: train.steps is null; it must be an integer from 1'],
    ['a long sequence', 'train.sequenceLength=1024', 'train.sequenceLength is 1024; it must be at most model.max_position_embeddings, 512'],
    ['micro-batches that do not divide', 'train.gradAccumulation=3', 'train.batchSize is 16; it must be a multiple of train.gradAccumulation, 3'],
    ['a ramp out of order', 'train.batchRamp=[{"step":9,"batchSize":1},{"step":3,"batchSize":2}]', 'train.batchRamp has steps out of order'],
    ['a ramp of other keys', 'train.batchRamp=[{"step":9,"batchsize":1}]', 'train.batchRamp[0].batchsize is not a known key; did you mean "batchSize"?'],
    ['a decay before the warm-up', 'train.schedule.decayStart=3', 'train.schedule.decayStart is 3; it must be at least warmupSteps, 20'],
    ['a decay that ends before it starts', 'train.schedule.decayEnd=100', 'train.schedule.decayEnd is 100; it must be above the start of the decay, 120'],
    ['a final rate above the rate', 'train.schedule.finalLr=1', 'train.schedule.finalLr is 1; it must be at most train.optimizer.lr, 0.003'],
    ['an unknown precision', 'train.precision=f16', 'train.precision is "f16"; it must be one of "f32", "bf16", "fp8"'],
    ['a huge number', 'train.optimizer.lr=1e999', 'train.optimizer.lr is Infinity; it must be a finite number'],
    ['NaN', 'train.optimizer.lr=NaN', 'train.optimizer.lr is "NaN"; it must be a number'],
    ['a model error', 'model.topk_group=9', 'run.json: model.topk_group is 9; it must be at most n_group, 4'],
    ['a small vocabulary', 'model.vocab_size=255', 'model.vocab_size is 255; the tokenizer "bytes" needs at least 256'],
    ['paths beside kjv', 'data.paths=["x"]', 'data.paths is given, but data.kind is "kjv"'],
    ['files without paths', 'data.kind=files', 'data.paths is empty'],
    ['a single checkpoint', 'checkpoint.keep=1', 'checkpoint.keep is 1; it must be an integer from 2'],
  ])('refuses %s', (_, set, sentence) => {
    expect(() => withSet(set)).toThrow(InputError)
    expect(() => withSet(set)).toThrow(sentence)
  })

  it('names every problem in a file at once', () => {
    const json = { ...(tiny as object), train: { stepz: 3 }, extra: 1 }
    const lines = (() => { try { parseRunConfig(json, 'f'); return '' } catch (error) { return (error as Error).message } })().split('\n')
    expect(lines).toContain('f: train.stepz is not a known key; did you mean "steps"?')
    expect(lines).toContain('f: extra is not a known key')
    expect(lines.some((line) => line.startsWith('f: train.steps is missing'))).toBe(true)
  })

  it('validates or names a path for any mutated configuration', () => {
    fc.assert(fc.property(fc.constantFrom('nano', 'tiny', 'deepseek-v3'), fc.infiniteStream(fc.nat()), (name, numbers) => {
      try { parseRunConfig(mutate(preset(name), numbers), 'run.json') } catch (error) {
        expect(error).toBeInstanceOf(InputError)
        expect((error as Error).message).toMatch(/^run\.json: \S+.* (is|must|has)/)
      }
    }), { numRuns: 800 })
  }, 20_000)
})

describe('applySet', () => {
  it('sets a number, a word, a list, and leaves the original alone', () => {
    const before = structuredClone(tiny)
    expect(withSet('train.optimizer.lr=1e-3').train.optimizer.lr).toBe(1e-3)
    expect(withSet('train.precision=bf16').train.precision).toBe('bf16')
    expect(withSet('data.kind=files', 'data.paths=["a=b","c"]').data.paths).toEqual(['a=b', 'c'])
    expect(withSet('checkpoint.every=4').checkpoint.every).toBe(4)
    expect(tiny).toEqual(before)
  })

  it('makes sections that the file leaves out', () => {
    expect(applySet({}, 'checkpoint.every=4')).toEqual({ checkpoint: { every: 4 } })
    expect(applySet(null, 'train.schedule.warmupSteps=1')).toEqual({ train: { schedule: { warmupSteps: 1 } } })
  })

  it.each([
    ['checkpoint.evry=4', 'checkpoint.evry is not a known key; did you mean "every"?'],
    ['train.optimiser.lr=4', 'train.optimiser is not a known key; did you mean "optimizer"?'],
    ['train.batch_size=4', 'did you mean "batchSize"?'],
    ['trian.steps=4', 'trian is not a known key; did you mean "train"?'],
    ['train.steps.x=4', 'train.steps has no keys'],
    ['__proto__.x=4', '__proto__ is not a known key'],
    ['train.__proto__=4', 'train.__proto__ is not a known key'],
    ['train.steps', 'it must be path=value'],
    ['=4', 'it must be path=value'],
    ['train..steps=4', 'is not a known key'],
  ])('refuses %s', (set, sentence) => {
    expect(() => applySet(tiny, set)).toThrow(InputError)
    expect(() => applySet(tiny, set)).toThrow(sentence)
  })
})

describe('values of a step', () => {
  const v3 = parseRunConfig(preset('deepseek-v3'), 'preset').train

  it('warms up, holds, decays by a cosine', () => {
    const { train } = withSet()
    expect(learningRate(train, 1)).toBeCloseTo(3e-3 / 20, 12)
    expect([20, 100, 120].map((step) => learningRate(train, step))).toEqual([3e-3, 3e-3, 3e-3])
    expect(learningRate(train, 160)).toBeCloseTo((3e-3 + 3e-4) / 2, 12)
    expect(learningRate(train, 200)).toBeCloseTo(3e-4, 12)
    expect(learningRate(train, 999)).toBeCloseTo(3e-4, 12)
  })

  it('does not decay when constant, and by default ends at a tenth', () => {
    expect(learningRate(withSet('train.schedule.kind=constant').train, 200)).toBe(3e-3)
    const { train } = parseRunConfig({ ...(tiny as object), train: { steps: 10, batchSize: 1, sequenceLength: 8, optimizer: { lr: 1 }, schedule: { kind: 'cosine' } } }, 'run.json')
    expect(learningRate(train, 5)).toBeCloseTo(0.55, 12)
    expect(learningRate(train, 10)).toBeCloseTo(0.1, 12)
  })

  it('follows the published plan of DeepSeek-V3', () => {
    expect(learningRate(v3, 1000)).toBeCloseTo(1.1e-4, 12)
    expect(learningRate(v3, 170_904)).toBe(2.2e-4)
    expect(learningRate(v3, 239_251)).toBe(2.2e-5)
    expect(learningRate(v3, 244_543)).toBe(2.2e-5)
    expect(learningRate(v3, 244_544)).toBe(7.3e-6)
    expect([1, 9318, 9319, 19_414, 247_198].map((step) => batchSizeAt(v3, step))).toEqual([3072, 3072, 6144, 15_360, 15_360])
    expect([170_904, 170_905].map((step) => mtpLossWeightAt(v3, step))).toEqual([0.3, 0.1])
    expect([239_251, 239_252].map((step) => biasUpdateSpeedAt(v3, step))).toEqual([0.001, 0])
  })

  it('adds up to 14.8 T tokens', () => {
    let sequences = 0
    for (let step = 1; step <= v3.steps; step++) sequences += batchSizeAt(v3, step)
    expect((sequences * v3.sequenceLength) / 1e12).toBeCloseTo(14.8, 3)
  })
})
