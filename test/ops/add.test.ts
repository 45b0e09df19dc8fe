import { describe, expect, it } from 'vitest'
import { ReferenceBackend } from '../../backends/reference/index.ts'
import { runReference } from '../../src/check/index.ts'
import { Device } from '../../src/core/device.ts'
import { add, addOf } from '../../src/ops/add.ts'
import { scale_by, scaleBy } from '../../src/ops/scale_by.ts'
import { describeOp } from '../support/describe_op.ts'
import { gradcheck } from '../support/gradcheck.ts'
import { f32, normal } from '../support/host.ts'

describe('add by hand', () => {
  it('adds', () => expect(Array.from(runReference(add, { x: f32([3], [1, 2, 3]), y: f32([3], [10, -2, 0.5]) }, {}).z.data)).toEqual([11, 0, 3.5]))
  it('refuses two shapes', () => {
    expect(() => runReference(add, { x: f32([2], [1, 2]), y: f32([1], [1]) }, {})).toThrow('add: y is [1] f32, needs [2] f32')
  })
  it('has the gradients that differences give', () => gradcheck(({ x, y }) => addOf(x, y), { x: normal('x', [2, 3]), y: normal('y', [2, 3]) }))
  it('sums the gradients of a tensor used three times, and frees what it made', async () => {
    const device = new Device(new ReferenceBackend())
    const x = device.tensor('f32', [2], [1, 2])
    x.requiresGrad = true
    device.scope(() => {
      const { result, tape } = device.record(() => addOf(addOf(x, x), scaleBy(x, 3)))
      tape.backward([], { seeds: [[result, device.tensor('f32', [2], [1, 10])]] })
    })
    expect(Array.from(await x.grad!.read())).toEqual([5, 50])
    expect(device.backend.memory().liveBytes).toBe(16) // x and its gradient
  })
})

describe('scale_by by hand', () => {
  it('scales', () => expect(Array.from(runReference(scale_by, { x: f32([3], [1, -2, 0]) }, { factor: -0.5 }).y.data)).toEqual([-0.5, 1, -0]))
  it('has the gradient that differences give', () => gradcheck(({ x }) => scaleBy(x, -2.5), { x: normal('x', [5]) }))
})

describeOp(add)
describeOp(scale_by)
