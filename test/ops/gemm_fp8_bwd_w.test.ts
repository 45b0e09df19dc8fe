import { expect, it } from 'vitest'
import { gemm_fp8_bwd_w, gemmFp8BwdW } from '../../src/ops/gemm_fp8_bwd_w.ts'
import { describeOp } from '../support/describe_op.ts'
import { deviceNames, testDevice } from '../support/devices.ts'

describeOp(gemm_fp8_bwd_w)

for (const name of deviceNames) {
  it(`gemm_fp8_bwd_w by hand > ${name}`, async (context) => {
    const device = await testDevice(name)
    if (!device) return context.skip()
    // [[1, 2], [3, 4]] [[5, 6], [7, 0.5]]^T = [[17, 8], [39, 23]], scaled by rows 2, 10 and columns 1, 0.5, added to what is there.
    const a = device.tensor('e4m3', [2, 2], [1, 2, 3, 4]), b = device.tensor('e4m3', [2, 2], [5, 6, 7, 0.5])
    const aScale = device.tensor('f32', [2, 1], [2, 10]), bScale = device.tensor('f32', [2, 1], [1, 0.5])
    const c = device.tensor('f32', [2, 2], [100, 200, 300, 400])
    gemmFp8BwdW(a, aScale, b, bScale, c)
    expect(Array.from(await c.read())).toEqual([134, 208, 690, 515])
    expect(() => gemmFp8BwdW(a, aScale, b, bScale, aScale)).toThrow(/gemm_fp8_bwd_w: c is \[2, 1\]/)
    for (const t of [a, b, aScale, bScale, c]) t.release()
  })
}
