import { describe, expect, it } from 'vitest'
import { runReference } from '../../src/check/index.ts'
import { caseRandom } from '../../src/check/random.ts'
import { Device } from '../../src/core/device.ts'
import { ReferenceBackend } from '../../backends/reference/index.ts'
import { addOf } from '../../src/ops/add.ts'
import { balance_loss, balanceLoss } from '../../src/ops/balance_loss.ts'
import { describeOp } from '../support/describe_op.ts'
import { deviceNames, testDevice } from '../support/devices.ts'
import { gradcheck } from '../support/gradcheck.ts'
import { goldenLoad } from '../support/routing_golden.ts'
import { f32, i32 } from '../support/values.ts'

describe('balance_loss by hand', () => {
  it('f counts the choices made, P averages the shares', () => {
    // p: (0.75, 0.25) and (0.5, 0.5): P = (0.625, 0.375). Expert 0 is chosen twice of two: f = (2, 0). f . P = 1.25
    const { loss, dscores } = runReference(balance_loss, { scores: f32([2, 2], [0.6, 0.2, 0.4, 0.4]), topk_indices: i32([2, 1], [0, 0]) }, { seqLen: 2, alpha: 4 })
    expect(loss.data[0]).toBeCloseTo(5, 5)
    // d/ds0 of token 0: alpha / T * (f0 - f . p) / (s0 + s1) = 2 * (2 - 1.5) / 0.8
    expect(dscores.data[0]).toBeCloseTo(1.25, 5)
    expect(dscores.data[1]).toBeCloseTo(-3.75, 5)
  })

  it('is alpha where the load is even', () => {
    const { loss } = runReference(balance_loss, { scores: f32([2, 2], [0.9, 0.3, 0.2, 0.6]), topk_indices: i32([2, 1], [0, 1]) }, { seqLen: 2, alpha: 0.5 })
    expect(loss.data[0]).toBeCloseTo(0.5, 6)
  })

  it('needs whole sequences', () => {
    const specs = { scores: { dtype: 'f32', shape: [5, 4] }, topk_indices: { dtype: 'i32', shape: [5, 2] } } as const
    expect(() => balance_loss.infer(specs, { seqLen: 2, alpha: 1 })).toThrow('balance_loss: scores is [5, 4] f32, needs T divisible by seqLen = 2')
  })

  it('refuses to be anything but a root', () => {
    const device = new Device(new ReferenceBackend())
    const scores = device.tensor('f32', [1, 2], [0.5, 0.25])
    scores.requiresGrad = true
    const { result, tape } = device.record(() => {
      const loss = balanceLoss(scores, device.tensor('i32', [1, 1], [0]), { seqLen: 1, alpha: 1 })
      return addOf(loss, loss)
    })
    expect(() => tape.backward([], { seeds: [[result, device.tensor('f32', [1], [1])]] })).toThrow('must be a root')
  })
})

it('balance_loss: backward agrees with differences', () => {
  const r = caseRandom('balance_loss gradcheck')
  const topk_indices = i32([4, 2], [0, 3, 3, 1, 2, 3, 4, 3])
  gradcheck((t) => balanceLoss(t.scores, t.topk_indices, { seqLen: 2, alpha: 0.3 }), { scores: r.uniform([4, 5], 0.1, 0.9), topk_indices }, { roots: true })
})

describe('balance_loss as the golden model has it', () => {
  for (const name of deviceNames) {
    it(name, async (context) => {
      const device = await testDevice(name)
      if (!device) return context.skip()
      for (const layer of [1, 2] as const) {
        const golden = await goldenLoad(layer)
        const [a, b] = golden.seq_aux_sum_fP_actual
        const loss = device.scope(() => balanceLoss(device.tensor('f32', [48, 8], golden.scores), device.tensor('i32', [48, 3], golden.topkIndices), { seqLen: 24, alpha: 0.01 }))
        expect(Math.abs((await loss.read())[0] / 0.01 - (a + b) / 2)).toBeLessThan(1e-6)
        loss.release()
        // f . P written out, from the golden f and P.
        const sum = golden.seq_f_actual.flatMap((f, s) => f.map((x, e) => x * golden.seq_P[s][e])).reduce((x, y) => x + y, 0)
        expect(sum / 2).toBeCloseTo((a + b) / 2, 10)
      }
    })
  }
})

describeOp(balance_loss)
