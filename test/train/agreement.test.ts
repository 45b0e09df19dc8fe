// Training on one backend and on another: the same losses, with the routing forced to be the same.
import { describe, expect, it } from 'vitest'
import type { Device } from '../../src/core/device.ts'
import type { Tensor } from '../../src/core/tensor.ts'
import type { Recipe } from '../../src/model/linear.ts'
import { Model } from '../../src/model/transformer.ts'
import { AdamW } from '../../src/train/adamw.ts'
import type { RunConfig } from '../../src/train/config.ts'
import { testDevice } from '../support/devices.ts'
import { smallData, smallRun } from '../support/small_run.ts'

for (const name of ['webgpu', 'emu:sm_80', 'emu:sm_90a']) {
  describe(`cpu and ${name}`, () => {
    for (const recipe of ['f32', 'bf16', 'fp8'] as const) {
      it(`${recipe}: agree in the loss over 20 steps with forced routing`, async (context) => {
        const device = await testDevice(name)
        if (!device) return context.skip()
        const reference = (await testDevice('cpu'))!
        const a = await trainPlainly(reference, smallRun(), undefined, recipe)
        const b = await trainPlainly(device, smallRun(), a.routing, recipe)
        expect(a.losses.at(-1)).toBeLessThan(a.losses[0])
        const apart = a.losses.map((loss, i) => Math.abs(b.losses[i] - loss))
        // One forward pass agrees in every recipe. In the short types a value near a tie may round to its other neighbour, and
        // training carries that on: float32 alone stays as near over 20 steps.
        expect(apart[0]).toBeLessThan(1e-4)
        expect(Math.max(...apart)).toBeLessThan({ f32: 1e-4, bf16: 2e-3, fp8: 1e-2 }[recipe])
      })
    }
  })
}

type Routing = Map<number, Int32Array>[]

/** 20 steps without MTP; with `routing`, every step takes those choices of experts. */
async function trainPlainly(device: Device, config: RunConfig, routing: Routing | undefined, recipe: Recipe = 'f32') {
  const data = smallData(config)
  const model = new Model(device, config.model, { recipe })
  model.initialize(1, 0.02)
  const optimizer = new AdamW(model.parameters, { ...config.train.optimizer, weightDecay: 0.1, moments: 'f32' })
  const made: Routing = []
  const losses: number[] = []
  let cursor = { epoch: 0, offset: 0 }
  for (let step = 0; step < 20; step++) {
    const batch = data.batch(cursor, 2)
    cursor = batch.cursor
    const { T, topk } = { T: batch.ids.length, topk: config.model.num_experts_per_tok }
    const chosen = new Map<number, Tensor>()
    const forced = new Map<number, Tensor>()
    for (const [layer, indices] of routing?.[step] ?? []) forced.set(layer, device.tensor('i32', [T, topk], indices))
    const loss = device.scope(() => {
      const { result, tape } = device.record(() => model.loss({
        ids: batch.ids, targets: batch.targets, batch: 2, seqLen: config.train.sequenceLength, forcedRouting: routing && forced,
        observe: (name, t) => { const m = /^router\.(\d+)\.topk_indices$/.exec(name); if (m) chosen.set(Number(m[1]), t.retain()) },
      }))
      tape.backward(result.roots)
      optimizer.step(0.003)
      return result.loss
    })
    losses.push((await loss.read())[0])
    made.push(new Map(await Promise.all([...chosen].map(async ([layer, t]) => [layer, (await t.read()) as Int32Array] as const))))
    for (const t of [loss, ...chosen.values(), ...forced.values()]) t.release()
  }
  optimizer.release()
  model.release()
  return { losses, routing: made }
}
