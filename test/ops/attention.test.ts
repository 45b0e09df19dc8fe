import { describe, expect, it } from 'vitest'
import { WebGpuBackend } from '../../backends/webgpu/index.ts'
import { openNodeGpu } from '../../backends/webgpu/node_adapter.ts'
import { runCase, runReference } from '../../src/check/index.ts'
import { attention, attentionOf } from '../../src/ops/attention.ts'
import { attention_bwd_cases, attention_cases } from '../../src/ops/attention.cases.ts'
import { attention_bwd } from '../../src/ops/attention_bwd.ts'
import { describeOp } from '../support/describe_op.ts'
import { deviceNames, testDevice } from '../support/devices.ts'
import { gradcheck } from '../support/gradcheck.ts'
import { f32, normal } from '../support/host.ts'

describe('attention by hand', () => {
  it('weighs the values of earlier rows by exp(scale * q k)', () => {
    // Scores of row 1: ln 1 = 0 and ln 3, so weights 1/4 and 3/4. Rows 2 and 3 are another sequence.
    const q = f32([4, 1, 1], [5, 2, 7, 0]), k = f32([4, 1, 1], [0, Math.log(3), 1, 1]), v = f32([4, 1, 1], [8, 16, 1, 3])
    const { o, lse } = runReference(attention, { q, k, v }, { seqLen: 2, scale: 0.5 })
    expect(o.data[0]).toBe(8)
    expect(o.data[1]).toBeCloseTo(14, 5)
    expect(o.data[2]).toBe(1)
    expect(o.data[3]).toBe(2)
    expect(lse.data[1]).toBeCloseTo(Math.log(4), 6)
    expect(lse.data[3]).toBeCloseTo(Math.log(2), 6)
  })
  it('refuses rows that are no whole number of sequences', () => {
    const x = f32([3, 1, 1], [1, 2, 3])
    expect(() => runReference(attention, { q: x, k: x, v: x }, { seqLen: 2, scale: 1 })).toThrow('attention: q is [3, 1, 1] f32, needs T % 2 == 0 (seqLen)')
  })
  it('has the gradients that differences give', () => {
    const inputs = { q: normal('q', [10, 2, 3]), k: normal('k', [10, 2, 3]), v: normal('v', [10, 2, 2]) }
    gradcheck(({ q, k, v }) => attentionOf(q, k, v, { seqLen: 5, scale: 0.7 }), inputs)
  })
})

describe('attention is causal', () => {
  for (const name of deviceNames) {
    it(`${name}: a later row changes no earlier output, bit for bit`, async (context) => {
      const device = await testDevice(name)
      if (!device) return context.skip()
      const q = normal('q', [37, 2, 8]), k = normal('k', [37, 2, 8]), v = normal('v', [37, 2, 4])
      const run = () => device.scope(() => {
        const t = [q, k, v].map((x) => device.tensor('f32', x.shape, x.data))
        return attentionOf(t[0], t[1], t[2], { seqLen: 37, scale: 0.3 })
      })
      const before = run()
      for (const x of [q, k, v]) x.data.fill(100, 20 * (x.data.length / 37), 21 * (x.data.length / 37)) // row 20
      const after = run()
      const [a, b] = [await before.read(), await after.read()]
      expect(Array.from(a.subarray(0, 20 * 8))).toEqual(Array.from(b.subarray(0, 20 * 8)))
      expect(Array.from(a.subarray(20 * 8))).not.toEqual(Array.from(b.subarray(20 * 8)))
      before.release()
      after.release()
    })
  }
})

describe('attention as a hardware GPU gets it', () => {
  it('other rows per lane and blocks of keys give the same numbers', async (context) => {
    if (!(await testDevice('webgpu'))) return context.skip()
    const { adapter } = await openNodeGpu()
    const backend = await WebGpuBackend.open({ adapter, description: 'told that it is hardware', software: false })
    const some = /^(1 x .1, 1, 1.|1 x .5, 1, 3.|2 x .33, 1, 24.|1 x .130, 1, 192.)/
    for (const [op, cases] of [[attention, attention_cases], [attention_bwd, attention_bwd_cases]] as const) {
      for (const c of cases.filter((c) => some.test(c.name))) expect(await runCase(op, c, backend)).toMatchObject({ ok: true, case: c.name })
    }
    await backend.destroy()
  })
})

describeOp(attention)
describeOp(attention_bwd)
