// A training step leaves no memory behind, counts each token once, and learns in every precision.
import { expect } from 'vitest'
import type { Recipe } from '../../src/model/linear.ts'
import { Model, type ModelOptions } from '../../src/model/transformer.ts'
import { AdamW } from '../../src/train/adamw.ts'
import type { Device } from '../../src/core/device.ts'
import { configOf, onDevices, tokens } from './support.ts'

const [batch, seqLen] = [3, 7]

/** Loss before each of `steps` steps on one batch, with the bytes alive after each. */
async function train(device: Device, options: ModelOptions, steps: number, moments: 'f32' | 'bf16' = 'f32') {
  const config = configOf({ hidden_size: 16, vocab_size: 23 })
  const before = device.backend.memory().liveBytes
  const model = new Model(device, config, options)
  model.initialize(1, 0.3)
  const optimizer = new AdamW(model.parameters, { beta1: 0.9, beta2: 0.95, eps: 1e-8, weightDecay: 0.1, clip: 1, moments })
  const text = Array.from({ length: batch }, (_, b) => tokens(seqLen + 2, 23, b))
  const part = (at: number) => text.flatMap((row) => row.slice(at, at + seqLen))
  const losses: number[] = []
  const live: number[] = []
  for (let step = 0; step < steps; step++) {
    const { loss, norm } = device.scope(() => {
      const { result, tape } = device.record(() => model.loss({ ids: part(0), targets: part(1), mtpTargets: part(2), batch, seqLen, balanceAlpha: 1e-3 }))
      tape.backward(result.roots)
      return { loss: result.loss, norm: optimizer.step(0.01) }
    })
    losses.push((await loss.read())[0])
    expect(Number.isFinite((await norm.read())[0])).toBe(true)
    loss.release()
    norm.release()
    live.push(device.backend.memory().liveBytes)
  }
  const loads = await Promise.all(model.moeLayers.map(async (moe) => [...(await moe.load.read())].reduce((a, b) => a + b, 0)))
  optimizer.release()
  model.release()
  expect(device.backend.memory().liveBytes).toBe(before)
  return { losses, live, loads }
}

onDevices('training', (test) => {
  for (const recipe of ['f32', 'bf16', 'fp8'] as const) {
    for (const recompute of [false, true]) {
      test(`${recipe}${recompute ? ', recomputed' : ''}: learns, frees everything, counts once`, async (device) => {
        const { losses, live, loads } = await train(device, { recipe, recompute }, 8, recipe === 'f32' ? 'f32' : 'bf16')
        expect(losses[7]).toBeLessThan(losses[0] - 0.5)
        expect(new Set(live.slice(1)).size).toBe(1)
        expect(live[1]).toBe(live[0])
        expect(loads).toEqual([8, 8].map((steps) => steps * batch * seqLen * 3)) // layer 1 and the MTP block
      })
    }
  }

  test('the precisions agree within their precision', async (device) => {
    const first = async (recipe: Recipe) => (await train(device, { recipe }, 1)).losses[0]
    const [f32, bf16, fp8] = [await first('f32'), await first('bf16'), await first('fp8')]
    expect(Math.abs(bf16 - f32)).toBeLessThan(0.02)
    expect(bf16).not.toBe(f32)
    expect(Math.abs(fp8 - f32)).toBeLessThan(0.1)
    expect(fp8).not.toBe(bf16)
  })

  for (const recipe of ['bf16', 'fp8'] as const) {
    test(`${recipe}: the next forward pass sees the stepped weights`, async (device) => {
      const input = { ids: tokens(8, 19), targets: tokens(8, 19, 2), batch: 2, seqLen: 4 }
      const model = new Model(device, configOf({ num_nextn_predict_layers: 0 }), { recipe })
      model.initialize(1, 0.3)
      const optimizer = new AdamW(model.parameters, { beta1: 0.9, beta2: 0.95, eps: 1e-8, weightDecay: 0.1, clip: 1 })
      const logits = async (m: Model) => {
        const t = device.scope(() => m.forward(input).logits)
        const x = await t.read()
        t.release()
        return x
      }
      const before = await logits(model)
      device.scope(() => {
        const { result, tape } = device.record(() => model.loss(input))
        tape.backward(result.roots)
        optimizer.step(0.05)
      })
      const after = await logits(model)
      expect(after).not.toEqual(before)
      const again = new Model(device, model.config, { recipe })
      await again.loadTensors(async (name) => (await model.parameters.read(name))!)
      expect(await logits(again)).toEqual(after)
      for (const m of [model, again]) m.release()
      optimizer.release()
    })
  }

  test('a forward pass alone frees everything', async (device) => {
    const model = new Model(device, configOf())
    model.initialize(1, 0.1)
    const run = () => device.scope(() => { model.forward({ ids: tokens(10, 19), batch: 2, seqLen: 5 }) })
    run()
    const live = device.backend.memory().liveBytes
    run()
    expect(device.backend.memory().liveBytes).toBe(live)
    model.release()
  })

  test('bad tokens are named', async (device) => {
    const model = new Model(device, configOf())
    expect(() => model.forward({ ids: [1, 19], batch: 1, seqLen: 2 })).toThrow('ids[1] is 19, must be an integer from 0 to 18')
    expect(() => model.forward({ ids: [1], batch: 1, seqLen: 2 })).toThrow('ids has 1 tokens, must have batch * seqLen = 2')
    model.release()
  })
})
