// Rows of single kernels against the roofline: the median of single launches, each after a write that empties the cache.
import type { Device } from '../src/core/device.ts'
import { numBytes } from '../src/core/shape.ts'
import type { Tensor } from '../src/core/tensor.ts'
import { ops } from '../src/ops/index.ts'
import { Maker, type KernelCase } from './kernel_cases.ts'
import { floorSec, type Peak } from './roofline.ts'
import type { BenchRow } from './row.ts'

/** Seconds that the device took for what `work` queues; backends without a clock of their own are timed from outside. */
interface TimedBackend { timeSec?(work: () => void): Promise<number> }

export interface KernelTiming { readonly repetitions: number; readonly flushBytes: number }
export const gpuTiming: KernelTiming = { repetitions: 21, flushBytes: 256 * 2 ** 20 }

export async function benchKernel(device: Device, c: KernelCase, peak: Peak | undefined, { repetitions, flushBytes }: KernelTiming): Promise<BenchRow> {
  const [op] = ops.find(([o]) => o.name === c.op)!
  const made: Tensor[] = []
  const inputs = device.scope(() => c.inputs(new Maker(device)))
  made.push(...Object.values(inputs))
  const flush = flushBytes ? device.empty('u8', [flushBytes]) : undefined
  if (flush) made.push(flush)
  try {
    let bytes = 0
    const run = () => {
      const out = device.run(op, inputs, c.attrs)
      bytes = [...Object.values(inputs), ...Object.values(out)].reduce((sum, t) => sum + numBytes(t), 0)
      return () => { for (const t of Object.values(out)) t.release() }
    }
    run()()
    await device.backend.sync()
    const times: number[] = []
    for (let i = 0; i < repetitions; i++) {
      if (flush) device.zero(flush)
      let done = () => {}
      times.push(await timeOf(device, () => { done = run() }))
      done()
    }
    const timeSec = times.sort((a, b) => a - b)[Math.floor(times.length / 2)]
    const specs = { ...inputs, ...op.infer(inputs, c.attrs) }
    const flop = op.flops?.(specs, c.attrs) ?? 0
    return {
      event: 'bench', op: c.op, shape: c.shape, device: device.name, timeSec, flopPerSec: flop / timeSec, bytesPerSec: bytes / timeSec,
      fractionOfPeak: peak ? floorSec(peak, c.dtype, flop, bytes) / timeSec : null, peer: null, ratioToPeer: null,
    }
  } finally { for (const t of made) t.release() }
}

async function timeOf(device: Device, work: () => void): Promise<number> {
  const timed = device.backend as TimedBackend
  if (timed.timeSec) return timed.timeSec(work)
  await device.backend.sync()
  const start = performance.now()
  work()
  await device.backend.sync()
  return (performance.now() - start) / 1000
}
