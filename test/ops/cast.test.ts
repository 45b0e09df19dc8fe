import { describe, expect, it } from 'vitest'
import { cast, castOp } from '../../src/ops/cast.ts'
import { describeOp } from '../support/describe_op.ts'
import { deviceNames, testDevice } from '../support/devices.ts'

describeOp(castOp)

describe('cast by hand', () => {
  for (const name of deviceNames) {
    it(`rounds to even, keeps infinities, NaN and signs > ${name}`, async (context) => {
      const device = await testDevice(name)
      if (!device) return context.skip()
      const x = device.tensor('f32', [7], [1 + 2 ** -8, 1 + 3 * 2 ** -8, 3.4e38, -Infinity, NaN, -0, 1e-40])
      const y = cast(x, 'bf16')
      const words = [...new Uint16Array((await y.readBytes()).slice().buffer)]
      expect(words.map((w) => w.toString(16))).toEqual(['3f80', '3f82', '7f80', 'ff80', '7fc0', '8000', '1'])
      expect(cast(x, 'f32')).toBe(x)
      const back = cast(y, 'f32')
      expect([...(await back.read()).slice(0, 5)]).toEqual([1, 1 + 2 ** -6, Infinity, -Infinity, NaN])
      for (const t of [x, y, back]) t.release()
    })

    it(`the gradient of f32 -> bf16 arrives as f32 > ${name}`, async (context) => {
      const device = await testDevice(name)
      if (!device) return context.skip()
      const x = device.tensor('f32', [3], [1, 2, 3])
      x.requiresGrad = true
      const seed = device.tensor('bf16', [3], [0.5, -2, 8])
      const { result, tape } = device.record(() => cast(x, 'bf16'))
      tape.backward([], { seeds: [[result, seed]] })
      expect(x.grad!.dtype).toBe('f32')
      expect([...await x.grad!.read()]).toEqual([0.5, -2, 8])
      for (const t of [x, seed, result, x.grad!]) t.release()
    })
  }
})
