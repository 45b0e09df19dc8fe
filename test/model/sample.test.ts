import { describe, expect, it } from 'vitest'
import { ReferenceBackend } from '../../backends/reference/index.ts'
import { Device } from '../../src/core/device.ts'
import { argmax, draw, lastLogits, sample } from '../../src/model/sample.ts'
import { dumpTensors } from '../../src/model/dump.ts'
import { configOf, maxDifference, modelWith, randomWeights } from './support.ts'

const tiny = () => modelWith(new Device(new ReferenceBackend()), configOf({ max_position_embeddings: 8 }), randomWeights(configOf()))

describe('sample', () => {
  it('argmax: the lower index wins a tie', () => expect(argmax([1, 3, 3, 2])).toBe(1))

  it('draw follows the softmax', () => {
    const logits = [Math.log(1), Math.log(2), -Infinity, Math.log(5)]
    expect([0, 0.124, 0.126, 0.374, 0.376, 0.999999].map((u) => draw(logits, 1, u))).toEqual([0, 0, 1, 1, 3, 3])
    expect(draw(logits, 1e-3, 0.5)).toBe(3)
    expect([0.1, 0.2].map((u) => draw([0, Math.log(2)], 0.5, u))).toEqual([0, 1].map((i) => (i === 0 ? 0 : 1)))
  })

  it('one seed, one text; temperature 0 is the most likely', async () => {
    const model = await tiny()
    const run = (seed: number, temperature: number) => sample(model, [1, 2, 3], { maxTokens: 12, temperature, seed })
    expect(await run(1, 1)).toEqual(await run(1, 1))
    expect(await run(1, 1)).not.toEqual(await run(2, 1))
    const greedy = await run(1, 0)
    expect(greedy).toHaveLength(12) // longer than max_position_embeddings: the window slides
    expect(greedy[0]).toBe(argmax(await lastLogits(model, [1, 2, 3])))
  })

  it('ends after the stop token and tells each token', async () => {
    const model = await tiny()
    const [first] = await sample(model, [4], { maxTokens: 1 })
    const told: number[] = []
    expect(await sample(model, [4], { maxTokens: 9, stopToken: first, onToken: (id) => told.push(id) })).toEqual([first])
    expect(told).toEqual([first])
  })

  it('refuses an empty prompt', async () => await expect(sample(await tiny(), [], { maxTokens: 1 })).rejects.toThrow('the prompt is empty'))
})

describe('dump', () => {
  it('refuses ragged ids, drops gradients, frees everything', async () => {
    const model = await tiny()
    await expect(dumpTensors(model, [[1, 2], [3]])).rejects.toThrow('ids[1] has 1 tokens, must have 2 as ids[0]')
    await expect(dumpTensors(model, [])).rejects.toThrow('ids are empty')
    await dumpTensors(model, [[1, 2]], { grads: true })
    const live = model.device.backend.memory().liveBytes
    const names = (await dumpTensors(model, [[1, 2]], { grads: true })).map((t) => t.name)
    expect(model.device.backend.memory().liveBytes).toBe(live)
    expect(model.parameters.all.some((p) => p.tensor.grad)).toBe(false)
    // The MTP block takes no part in plain cross-entropy.
    expect(names.filter((n) => n.includes('layers.2.'))).toEqual([])
    expect(names).toContain('hidden.2')
    expect(await model.moeLayers[0].load.read()).toEqual(new Int32Array(8))
  })

  it('one token per sequence: logits, and a loss of zero', async () => {
    const dump = await dumpTensors(await tiny(), [[1], [2]])
    const loss = dump.find((t) => t.name === 'loss')!
    expect(maxDifference(new Float32Array(loss.bytes().slice().buffer), [0])).toBe(0)
  })
})
