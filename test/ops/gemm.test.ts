import { describe, expect, it } from 'vitest'
import { runReference } from '../../src/check/index.ts'
import { gemm, gemmOp, type Layout } from '../../src/ops/gemm.ts'
import { describeOp } from '../support/describe_op.ts'
import { deviceNames, testDevice } from '../support/devices.ts'

describeOp(gemmOp)

describe('gemm by hand', () => {
  // [1 2; 3 4; 5 6] [1 0 2; -1 3 1] = [-1 6 4; -1 12 10; -1 18 16]
  const a = { nt: [[3, 2], [1, 2, 3, 4, 5, 6]], nn: [[3, 2], [1, 2, 3, 4, 5, 6]], tn: [[2, 3], [1, 3, 5, 2, 4, 6]] }
  const b = { nt: [[3, 2], [1, -1, 0, 3, 2, 1]], nn: [[2, 3], [1, 0, 2, -1, 3, 1]], tn: [[2, 3], [1, 0, 2, -1, 3, 1]] }
  for (const name of deviceNames) {
    for (const layout of ['nt', 'nn', 'tn'] as Layout[]) {
      it(`${layout} > ${name}`, async (context) => {
        const device = await testDevice(name)
        if (!device) return context.skip()
        const left = device.tensor('f32', a[layout][0], a[layout][1]), right = device.tensor('f32', b[layout][0], b[layout][1])
        const c = gemm(left, right, layout)
        expect(c.shape).toEqual([3, 3])
        expect([...await c.read()]).toEqual([-1, 6, 4, -1, 12, 10, -1, 18, 16])
        for (const t of [left, right, c]) t.release()
      })
    }
  }

  it('sums in float64: float32 would lose the ones', () => {
    const K = 4096
    const row = Float32Array.from({ length: K }, (_, k) => (k === 0 ? 2 ** 24 : k === K - 1 ? -(2 ** 24) : 1))
    const { c } = runReference(gemmOp, {
      a: { dtype: 'f32', shape: [1, K], data: row }, b: { dtype: 'f32', shape: [1, K], data: new Float32Array(K).fill(1) },
    }, { layout: 'nt', out: 'f32' })
    expect(c.data[0]).toBe(K - 2)
  })

  it('names what does not fit', () => {
    const a = { dtype: 'f32' as const, shape: [2, 3] }
    expect(() => gemmOp.infer({ a, b: { dtype: 'f32', shape: [2, 4] } }, { layout: 'nt', out: 'f32' })).toThrow('gemm: b is [2, 4] f32, needs [N, 3] f32 (layout nt)')
    expect(() => gemmOp.infer({ a, b: { dtype: 'bf16', shape: [4, 3] } }, { layout: 'nt', out: 'f32' })).toThrow('needs [N, 3] f32')
  })
})
