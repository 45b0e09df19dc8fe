import { describe, expect, it } from 'vitest'
import { runReference } from '../../src/check/index.ts'
import { bias_update, biasUpdate } from '../../src/ops/bias_update.ts'
import { describeOp } from '../support/describe_op.ts'
import { deviceNames, testDevice } from '../support/devices.ts'
import { goldenLoad } from '../support/routing_golden.ts'
import { f32, i32 } from '../support/values.ts'

it('bias_update by hand: down above the mean, up below, the same at it', () => {
  const { bias } = runReference(bias_update, { bias: f32([4], [1, 1, 1, 1]), load: i32([4], [7, 3, 5, 5]) }, { gamma: 0.25 })
  expect([...bias.data]).toEqual([0.75, 1.25, 1, 1])
})

describe('bias_update as the golden model has it', () => {
  for (const name of deviceNames) {
    it(name, async (context) => {
      const device = await testDevice(name)
      if (!device) return context.skip()
      for (const layer of [1, 2] as const) {
        const golden = await goldenLoad(layer)
        const bias = device.tensor('f32', [8], golden.bias_before)
        const load = device.tensor('i32', [8], golden.tokens_per_expert)
        biasUpdate(bias, load, { gamma: golden.bias_update_gamma })
        const got = await bias.read()
        golden.bias_after_update.forEach((b, e) => expect(Math.abs(got[e] - b)).toBeLessThan(1e-8))
        bias.release()
        load.release()
      }
    })
  }
})

describeOp(bias_update)
