import { describe, expect, it } from 'vitest'
import { runReference } from '../../src/check/index.ts'
import { caseRandom } from '../../src/check/random.ts'
import { moePermute } from '../../src/ops/moe_permute.ts'
import { moePlan } from '../../src/ops/moe_plan.ts'
import { moe_unpermute, moeUnpermute } from '../../src/ops/moe_unpermute.ts'
import { moe_unpermute_bwd } from '../../src/ops/moe_unpermute_bwd.ts'
import { describeOp } from '../support/describe_op.ts'
import { deviceNames, testDevice } from '../support/devices.ts'
import { gradcheck } from '../support/gradcheck.ts'
import { f32, i32 } from '../support/values.ts'

describe('moe_unpermute by hand', () => {
  const plan = { slot_row: i32([4], [3, 0, -1, 1]), row_slot: i32([4], [1, 3, -1, 0]) }
  const yp = f32([4, 2], [1, 2, 3, 4, 5, 6, 7, 8])
  const topk_weights = f32([2, 2], [0.5, 2, 9, 10])

  it('adds up the weighted rows of a token', () => {
    const { y } = runReference(moe_unpermute, { yp, topk_weights, ...plan }, {})
    expect([...y.data]).toEqual([0.5 * 7 + 2 * 1, 0.5 * 8 + 2 * 2, 30, 40])
  })

  it('backward scales rows and dots weights', () => {
    const { dyp, dw } = runReference(moe_unpermute_bwd, { dy: f32([2, 2], [1, -1, 2, 3]), yp, topk_weights, ...plan }, {})
    expect([...dyp.data]).toEqual([2, -2, 20, 30, 0, 0, 0.5, -0.5])
    expect([...dw.data]).toEqual([7 - 8, 1 - 2, 0, 6 + 12])
  })
})

it('moe_unpermute: backward agrees with differences', () => {
  const r = caseRandom('moe_unpermute gradcheck')
  gradcheck(({ yp, w, topk_indices }) => {
    const plan = moePlan(topk_indices, { experts: 4, rowAlign: 2 })
    return moeUnpermute(yp, w, plan.slotRow, plan.rowSlot)
  }, { yp: r.normal([10, 2]), w: r.uniform([3, 2], 0.1, 1), topk_indices: i32([3, 2], [2, 0, 2, 3, -1, 2]) })
})

describe('permute, then unpermute with weights that sum to one, gives the tokens back', () => {
  for (const name of deviceNames) {
    it(name, async (context) => {
      const device = await testDevice(name)
      if (!device) return context.skip()
      const [T, H, topk] = [19, 5, 2]
      const x = caseRandom('round trip').integers([T, H], -100, 100).data
      const y = device.scope(() => {
        const choices = Array.from({ length: T * topk }, (_, i) => (i * 7 + (i >> 2)) % 6)
        const plan = moePlan(device.tensor('i32', [T, topk], choices), { experts: 6, rowAlign: 8 })
        const rows = moePermute(device.tensor('f32', [T, H], x), plan.rowSlot, plan.slotRow, { topk })
        return moeUnpermute(rows, device.tensor('f32', [T, topk], new Array(T * topk).fill(0.5)), plan.slotRow, plan.rowSlot)
      })
      expect([...await y.read()]).toEqual([...x])
      y.release()
    })
  }
})

describeOp(moe_unpermute)
describeOp(moe_unpermute_bwd)
