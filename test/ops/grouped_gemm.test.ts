import { describe, expect, it } from 'vitest'
import type { Device } from '../../src/core/device.ts'
import { groupedGemm, grouped_gemm } from '../../src/ops/grouped_gemm.ts'
import { groupedGemmBwdW } from '../../src/ops/grouped_gemm_bwd_w.ts'
import { describeOp } from '../support/describe_op.ts'
import { deviceNames, testDevice } from '../support/devices.ts'

describeOp(grouped_gemm)

describe('grouped gemm by hand', () => {
  for (const name of deviceNames) {
    const run = (title: string, fn: (device: Device) => Promise<void>) => it(`${title} > ${name}`, async (context) => {
      const device = await testDevice(name)
      if (!device) return context.skip()
      await fn(device)
    })

    // Expert 0 has row 0 (and padding), expert 1 none, expert 2 row 8; rows from 16 on belong to nobody.
    const x = new Float32Array(24 * 2)
    x.set([1, 2], 0)
    x.set([3, 4], 8 * 2)
    x.set([9, 9], 16 * 2)
    const offsets = [0, 8, 8, 16]

    run('each row meets its expert, the tail is zero', async (device) => {
      const tx = device.tensor('f32', [24, 2], x), to = device.tensor('i32', [4], offsets)
      const w = device.tensor('f32', [3, 2, 2], [1, 1, 1, -1, 5, 5, 5, 5, 2, 0, 0, 10]) // [E, N, K] and as [E, K, N]: symmetric
      for (const layout of ['nt', 'nn'] as const) {
        const y = groupedGemm(tx, w, to, layout, 8)
        const expected = new Float32Array(48)
        expected.set([3, -1], 0)
        expected.set([6, 40], 16)
        expect([...await y.read()].map((v) => v + 0)).toEqual([...expected])
        y.release()
      }
      for (const t of [tx, to, w]) t.release()
    })

    run('weight gradients: outer products by expert, zeros where it is empty', async (device) => {
      const tx = device.tensor('f32', [24, 2], x), to = device.tensor('i32', [4], offsets)
      const dyData = new Float32Array(24)
      dyData[0] = 2; dyData[8] = 10; dyData[16] = 7
      const dy = device.tensor('f32', [24, 1], dyData)
      const dw = groupedGemmBwdW(dy, tx, to)
      expect(dw.shape).toEqual([3, 1, 2])
      expect([...await dw.read()]).toEqual([2, 4, 0, 0, 30, 40])
      for (const t of [tx, to, dy, dw]) t.release()
    })
  }

  it('refuses segments that a tile of 8 rows could straddle', () => {
    const specs = { x: { dtype: 'f32' as const, shape: [8, 2] }, w: { dtype: 'f32' as const, shape: [1, 2, 2] }, offsets: { dtype: 'i32' as const, shape: [2] } }
    expect(() => grouped_gemm.infer(specs, { layout: 'nt', rowAlign: 4, out: 'f32' })).toThrow('rowAlign to be a multiple of 8 (it is 4)')
  })
})
