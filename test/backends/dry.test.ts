import { describe, expect, it } from 'vitest'
import { DryBackend } from '../../backends/dry/index.ts'
import { Device } from '../../src/core/device.ts'
import { defineOp } from '../../src/core/op.ts'

/** y = x w^T, and a copy of w as its gradient: enough of an op to be counted. */
const product = defineOp({
  name: 'product',
  args: [['x', 'in'], ['w', 'in'], ['y', 'out']],
  infer: ({ x, w }) => ({ y: { dtype: 'f32', shape: [x.shape[0], w.shape[0]] } }),
  reference() { throw new Error('the dry backend must not compute') },
  tolerance: () => 0,
  toleranceReason: 'never run',
  flops: ({ x, w }) => 2 * x.shape[0] * x.shape[1] * w.shape[0],
  saves: ['x', 'w'],
})

function setUp() {
  const backend = new DryBackend()
  return { backend, device: new Device(backend) }
}

describe('dry backend', () => {
  it('counts FLOP, calls and bytes by class at the peak', () => {
    const { backend, device } = setUp()
    const w = backend.withClass('weights', () => device.zeros('f32', [8, 4]))
    const moments = backend.withClass('moments', () => device.empty('bf16', [8, 4]))
    const x = device.empty('f32', [16, 4])
    const y = device.run(product, { x, w }).y
    backend.mark('backward')
    const grad = backend.withClass('workspace', () => device.empty('f32', [8, 4]))
    for (const t of [y, x, grad]) t.release()
    expect(backend.report()).toEqual({
      peakBytes: 128 + 64 + 256 + 512 + 128, flops: 2 * 16 * 4 * 8, dispatchCount: 1, flopsByOp: { product: 1024 },
      peakByClass: { weights: 128, moments: 64, activations: 256 + 512, workspace: 128 },
    })
    expect(backend.marked('backward')).toEqual({ weights: 128, moments: 64, activations: 768 })
    expect(backend.memory()).toEqual({ liveBytes: 192, peakBytes: 1088 })
    expect(moments.describe()).toBe('[8, 4] bf16')
  })

  it('tells saved activations from what forward frees, also when the peak lies in forward', () => {
    const { backend, device } = setUp()
    const saved = device.empty('f32', [10])
    const scratch = device.empty('f32', [100])
    scratch.release()
    const small = device.empty('f32', [5])
    backend.mark('backward')
    small.release()
    saved.release()
    expect(backend.report().peakByClass).toEqual({ activations: 40, workspace: 400 })
    // A second micro-batch: its scratch is scratch too, although a mark has been.
    const more = device.empty('f32', [200])
    more.release()
    expect(backend.report().peakByClass).toEqual({ workspace: 800 })
  })

  it('retags gradients, at the peak too', () => {
    const { backend, device } = setUp()
    const g = backend.withClass('workspace', () => device.empty('f32', [25]))
    const later = backend.withClass('workspace', () => { const t = device.empty('f32', [5]); t.release(); return device.empty('f32', [1]) })
    backend.retag(g.storage.handle, 'gradients')
    backend.retag(later.storage.handle, 'gradients') // made after the peak: not part of it
    expect(backend.report().peakByClass).toEqual({ gradients: 100, workspace: 20 })
    expect(() => { g.release(); backend.free(g.storage.handle) }).toThrow('freed twice')
  })

  it('holds 671 billion parameters without memory', async () => {
    const { backend, device } = setUp()
    const before = process.memoryUsage()
    const layers = backend.withClass('weights', () => Array.from({ length: 58 }, () => device.zeros('bf16', [256, 3, 2048, 7168])))
    const x = device.empty('bf16', [2 ** 22, 7168])
    const y = device.run(product, { x, w: device.empty('bf16', [129280, 7168]) }).y
    expect(backend.report().flops).toBe(2 * 2 ** 22 * 7168 * 129280)
    expect(backend.report().peakByClass.weights).toBe(58 * 256 * 3 * 2048 * 7168 * 2)
    expect(layers.length).toBe(58)
    const after = process.memoryUsage()
    expect(after.arrayBuffers - before.arrayBuffers).toBeLessThan(1e6)
    await expect(y.read()).rejects.toThrow('holds no values')
    const loss = device.empty('f32', [1])
    expect(Array.from(await loss.read())).toEqual([0])
  })

  it('starts a measurement anew', () => {
    const { backend, device } = setUp()
    const w = backend.withClass('weights', () => device.empty('f32', [4]))
    device.empty('f32', [100]).release()
    backend.reset()
    expect(backend.report()).toEqual({ peakBytes: 16, peakByClass: { weights: 16 }, flops: 0, dispatchCount: 0, flopsByOp: {} })
    w.release()
  })

  it('runs a real op with its backward pass', async () => {
    const { backend, device } = setUp()
    const { rmsNorm } = await import('../../src/ops/rms_norm.ts')
    const w = backend.withClass('weights', () => device.empty('f32', [64]))
    w.requiresGrad = true
    const x = device.empty('f32', [1000, 64])
    const { result, tape } = device.record(() => device.scope(() => rmsNorm(x, w, 1e-6)))
    backend.mark('backward')
    backend.withClass('workspace', () => tape.backward([result]))
    expect(backend.marked('backward')).toEqual({ weights: 256, activations: 256_000 * 2 + 4000 })
    expect(w.grad).toBeUndefined() // a root without a gradient tensor: this vjp gives none
  })
})
