// What every backend promises of its queue: a read shows that moment, whatever is queued behind it.
import { expect, it } from 'vitest'
import { adamwOf } from '../../src/ops/adamw.ts'
import { addOf as add } from '../../src/ops/add.ts'
import { cross_entropy } from '../../src/ops/cross_entropy.ts'
import { rms_norm } from '../../src/ops/rms_norm.ts'
import { rms_norm_bwd_w } from '../../src/ops/rms_norm_bwd_w.ts'
import { deviceNames, testDevice } from '../support/devices.ts'

for (const name of deviceNames) {
  it(`${name}: later writes, ops and frees do not change what a read gives`, async (context) => {
    const device = await testDevice(name)
    if (!device) return context.skip()
    const x = device.tensor('f32', [4], [1, 2, 3, 4])
    const y = add(x, x)
    // The first read may wait for a kernel that is being loaded, the second for none.
    const reads = [y.read()]
    y.write([9, 9, 9, 9])
    reads.push(y.read())
    const z = add(y, x)
    reads.push(z.read())
    z.release()
    const other = device.tensor('f32', [4], [0, 0, 0, 0])
    other.write([7, 7, 7, 7])
    expect((await Promise.all(reads)).map((r) => [...r])).toEqual([[2, 4, 6, 8], [9, 9, 9, 9], [10, 11, 12, 13]])
    // In place, by a kernel that is loaded while the read before it waits.
    const [g, m, v, coef] = [[1], [0], [0], [1]].map((data) => device.tensor('f32', [1], data))
    const p = device.tensor('f32', [1], [5])
    const before = p.read()
    adamwOf(p, g, m, v, coef, { lr: 1, beta1: 0.9, beta2: 0.99, eps: 0, weightDecay: 0, step: 1 })
    const after = p.read()
    expect([(await before)[0], (await after)[0]]).toEqual([5, expect.closeTo(4, 4)])
    for (const t of [x, y, other, g, m, v, coef, p]) t.release()
  })
}

it('emu:sm_80: empty tensors launch nothing, and a sum over none is zero', async (context) => {
  const device = await testDevice('emu:sm_80')
  if (!device) return context.skip()
  const [x, w] = [device.tensor('f32', [0, 8], []), device.tensor('f32', [8], new Array(8).fill(1))]
  const { y, rstd } = device.run(rms_norm, { x, w }, { eps: 1e-6 })
  expect([(await y.read()).length, (await rstd.read()).length]).toEqual([0, 0])
  const { dw } = device.run(rms_norm_bwd_w, { dy: x, x, rstd })
  expect([...await dw.read()]).toEqual(new Array(8).fill(0))
  const { total } = device.run(cross_entropy, { logits: x, targets: device.tensor('i32', [0], []) }, { scale: 1 })
  expect([...await total.read()]).toEqual([0])
})
