// Every schedule run for real: a model in stages gives the sequential run's losses and gradients, and nothing stays behind.
import { describe, expect, it } from 'vitest'
import { ReferenceBackend } from '../../backends/reference/index.ts'
import { Device } from '../../src/core/device.ts'
import { executeSchedule } from '../../src/dist/pipeline.ts'
import { Model, type LossInput } from '../../src/model/transformer.ts'
import { makeSchedule, scheduleKinds, type Schedule } from '../../src/schedule/index.ts'
import { replay, unitCosts } from '../../src/schedule/replay.ts'
import { layerBounds, modelStage } from '../../src/train/pipeline.ts'
import { configOf } from '../model/support.ts'

const seqLen = 5
/** Micro-batch m of the step: all its numbers follow from m. */
const inputOf = (m: number, count: number): LossInput => {
  const at = (i: number, k: number) => (m * 31 + i * 7 + k * 3 + ((i * m) % 5)) % 19
  const list = (k: number) => Int32Array.from({ length: seqLen }, (_, i) => at(i, k))
  return { ids: list(0), targets: list(1), mtpTargets: list(2), batch: 1, seqLen, count: count * seqLen, mtpCount: count * seqLen, balanceAlpha: 0.1 / count }
}

function newModel(device: Device, recompute: boolean): Model {
  const model = new Model(device, configOf({ num_hidden_layers: 8 }), { recompute })
  model.initialize(3, 0.3)
  return model
}
async function gradients(model: Model): Promise<Map<string, number[]>> {
  const out = new Map<string, number[]>()
  for (const p of model.parameters.all) if (p.tensor.grad) out.set(p.name, Array.from(await p.tensor.grad.read()))
  return out
}

/** One micro-batch after the other, whole. */
async function sequential(microBatches: number) {
  const device = new Device(new ReferenceBackend())
  const model = newModel(device, false)
  const losses: number[] = []
  for (let m = 0; m < microBatches; m++) {
    const kept = device.scope(() => {
      const { result, tape } = device.record(() => model.loss(inputOf(m, microBatches)))
      tape.backward(result.roots)
      return result.loss
    })
    losses.push((await kept.read())[0])
  }
  return { losses, grads: await gradients(model) }
}
const expected = new Map<number, ReturnType<typeof sequential>>()
const sequentialOf = (m: number) => { if (!expected.has(m)) expected.set(m, sequential(m)); return expected.get(m)! }

async function scheduled(schedule: Schedule, recompute: boolean) {
  const device = new Device(new ReferenceBackend())
  const model = newModel(device, recompute)
  // The tables of rope are made once and stay.
  device.scope(() => { model.loss(inputOf(0, 1)) })
  const before = device.backend.memory().liveBytes
  const losses = new Array<number>(schedule.microBatches).fill(NaN)
  const reads: Promise<void>[] = []
  // The second stream's micro-batches are the second half of the step.
  const index = (stream: number, m: number) => stream * (schedule.microBatches / schedule.numStreams) + m
  const stages = schedule.places.map((chunks) => chunks.map(({ stage }) => modelStage(model, stage, {
    numStages: schedule.numStages, input: (stream, m) => inputOf(index(stream, m), schedule.microBatches),
    onLoss: (stream, m, { loss }) => { reads.push(loss.read().then(([v]) => { losses[index(stream, m)] = v })) },
  })))
  const report = await executeSchedule(schedule, stages)
  await Promise.all(reads)
  const grads = await gradients(model)
  for (const p of model.parameters.all) p.tensor.grad?.release()
  return { losses, grads, report, leftBytes: device.backend.memory().liveBytes - before }
}

/** Ranks, micro-batches, chunks: at most 8 stages. */
const sizes: [number, number, number][] = [[2, 4, 2], [4, 8, 2]]

describe('executed schedules', () => {
  for (const kind of scheduleKinds) {
    for (const [ranks, microBatches, chunks] of sizes) {
      const recompute = ranks === 2
      it(`${kind}, ${ranks} ranks, ${microBatches} micro-batches${recompute ? ', recomputing' : ''}`, async () => {
        const schedule = makeSchedule(kind, ranks, microBatches, { chunks })
        const want = await sequentialOf(microBatches)
        const got = await scheduled(schedule, recompute)
        expect(got.losses).toEqual(want.losses)
        expect([...got.grads.keys()].sort()).toEqual([...want.grads.keys()].sort())
        for (const [name, g] of got.grads) {
          const w = want.grads.get(name)!
          const largest = Math.max(...w.map(Math.abs))
          // Micro-batches add up in another order.
          g.forEach((x, i) => expect(Math.abs(x - w[i]), `${name}[${i}]`).toBeLessThanOrEqual(2e-6 * largest + 1e-12))
        }
        expect(got.report.peakInFlight).toEqual(replay(schedule, unitCosts).peakInFlight)
        expect(got.leftBytes).toBe(0)
      })
    }
  }
  it('a stage that throws ends the run', async () => {
    const schedule = makeSchedule('1f1b', 2, 2)
    await expect(executeSchedule(schedule, [[() => { throw new Error('out of paper') }], []])).rejects.toThrow('out of paper')
  })
})

describe('layers of stages', () => {
  it('are as even as they can be', () => {
    expect(layerBounds(61, 16)).toHaveLength(17)
    expect(layerBounds(8, 4)).toEqual([0, 2, 4, 6, 8])
    expect(layerBounds(7, 3)).toEqual([0, 2, 4, 7])
    expect(() => layerBounds(3, 4)).toThrow(/3 layers cannot make 4 pipeline stages/)
  })
})
