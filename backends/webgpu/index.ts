// The `webgpu` backend: queues WGSL dispatches. It knows kernels by op name only, through shaders/index.ts.
import type { Backend } from '../../src/core/backend.ts'
import { DeviceLost } from '../../src/core/errors.ts'
import type { Binding, Dispatch, GpuInfo, WgslKernel } from '../../src/core/kernel.ts'
import type { OpCall } from '../../src/core/op.ts'
import { numBytes, type Spec } from '../../src/core/shape.ts'
import { wgslKernels } from '../../shaders/index.ts'
import { BufferPool, type PooledBuffer } from './buffer_pool.ts'
import { BindGroups } from './bind_groups.ts'
import { Pipelines } from './pipelines.ts'
import { Stopwatch } from './stopwatch.ts'

export interface WebGpuOptions {
  adapter: GPUAdapter
  /** Shown to the user: which adapter and why. */
  description: string
  software: boolean
  /** Wraps every wait; Node's software adapter naps in it. */
  waiting?: <T>(work: Promise<T>) => Promise<T>
}

/** Dispatches in one submission, and submissions that may be unfinished before `sync` bounds the queue. */
const dispatchesPerSubmit = 64

export class WebGpuBackend implements Backend {
  readonly name = 'webgpu'
  /** Counts for benchmarks and for the promise of at most one readback a step. */
  readonly counters = { dispatches: 0, submits: 0, readbacks: 0 }
  private encoder: GPUCommandEncoder | undefined
  private pass: GPUComputePassEncoder | undefined
  private recorded = 0
  private pending: Promise<unknown>[] = []
  private failure: Error | undefined
  private closing = false
  private stopwatch: Stopwatch | undefined
  private readonly pool: BufferPool
  private readonly pipelines: Pipelines
  private readonly bindGroups: BindGroups

  private constructor(
    private readonly gpu: GPUDevice, readonly description: string, readonly info: GpuInfo,
    private readonly waiting: <T>(work: Promise<T>) => Promise<T>,
  ) {
    this.pool = new BufferPool(gpu)
    this.pipelines = new Pipelines(gpu, (error) => { this.failure ??= error })
    this.bindGroups = new BindGroups(gpu)
    gpu.addEventListener('uncapturederror', (event) => {
      this.failure ??= new Error(`webgpu: ${(event as GPUUncapturedErrorEvent).error.message}`)
    })
    void gpu.lost.then((lost) => {
      if (!this.closing) this.failure = new DeviceLost(`webgpu: device lost (${lost.message || lost.reason})`)
    })
  }

  static async open({ adapter, description, software, waiting = (work) => work }: WebGpuOptions): Promise<WebGpuBackend> {
    const { maxBufferSize, maxStorageBufferBindingSize } = adapter.limits
    // Quad operations make products faster where they exist; every kernel that uses them has a form without.
    const subgroups = adapter.features.has('subgroups')
    const gpu = await adapter.requestDevice({
      requiredLimits: { maxBufferSize, maxStorageBufferBindingSize }, requiredFeatures: (['subgroups', 'timestamp-query'] as const).filter((feature) => adapter.features.has(feature)),
    })
    return new WebGpuBackend(gpu, description, { software, subgroups, maxBindingBytes: maxStorageBufferBindingSize }, waiting)
  }

  alloc(spec: Spec): PooledBuffer {
    const bytes = numBytes(spec)
    if (bytes > this.info.maxBindingBytes) throw new Error(`webgpu: a tensor of ${bytes} bytes exceeds this adapter's binding limit of ${this.info.maxBindingBytes}`)
    return this.pool.alloc(bytes)
  }

  free(buffer: unknown): void { this.pool.free(buffer as PooledBuffer) }

  write(buffer: unknown, bytes: Uint8Array): void {
    const { gpuBuffer, paddedBytes } = buffer as PooledBuffer
    // Queue writes happen before later submissions: what is recorded so far must go first.
    if (bytes.length === 0) {
      this.endPass()
      this.commands().clearBuffer(gpuBuffer, 0, paddedBytes)
      return
    }
    this.flush()
    const whole = bytes.length & ~3
    this.gpu.queue.writeBuffer(gpuBuffer, 0, bytes as Uint8Array<ArrayBuffer>, 0, whole)
    if (whole < bytes.length) {
      const tail = new Uint8Array(4)
      tail.set(bytes.subarray(whole))
      this.gpu.queue.writeBuffer(gpuBuffer, whole, tail)
    }
  }

  async read(buffers: readonly unknown[]): Promise<Uint8Array[]> {
    const sources = buffers as readonly PooledBuffer[]
    const padded = (b: PooledBuffer) => Math.max(4, (b.bytes + 3) & ~3)
    const size = sources.reduce((n, b) => n + padded(b), 0)
    const staging = this.gpu.createBuffer({ size, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST })
    this.endPass()
    let at = 0
    const ranges = sources.map((b) => {
      this.commands().copyBufferToBuffer(b.gpuBuffer, 0, staging, at, padded(b))
      at += padded(b)
      return [at - padded(b), at - padded(b) + b.bytes] as const
    })
    this.flush()
    this.counters.readbacks++
    try {
      await this.waiting(staging.mapAsync(GPUMapMode.READ))
    } catch (error) {
      this.throwFailure()
      throw new DeviceLost(`webgpu: reading back failed (${(error as Error).message})`)
    }
    this.throwFailure()
    const mapped = staging.getMappedRange()
    const copies = ranges.map(([begin, end]) => new Uint8Array(mapped.slice(begin, end)))
    staging.destroy()
    return copies
  }

  supports(call: OpCall): boolean {
    const kernel = wgslKernels.get(call.op.name)
    return kernel !== undefined && (kernel.supports?.(call.specs, call.attrs) ?? true)
  }

  run(call: OpCall): void {
    this.throwFailure()
    const kernel = wgslKernels.get(call.op.name) as WgslKernel
    const scratch = new Map<string, PooledBuffer>()
    const resolve = (b: Binding): PooledBuffer => {
      if (typeof b === 'string') return call.buffers[b] as PooledBuffer
      let made = scratch.get(b.scratch)
      if (!made) scratch.set(b.scratch, (made = this.pool.alloc(b.bytes)))
      return made
    }
    for (const d of kernel.launch(call, this.info)) this.dispatch(d, d.bindings.map(resolve), call.op.name)
    for (const b of scratch.values()) this.pool.free(b)
  }

  async sync(pending = 0): Promise<void> {
    this.flush()
    while (this.pending.length > pending) await this.waiting(this.pending.shift()!)
    this.throwFailure()
  }

  /** Device seconds by op of what `work` queues, or undefined where the adapter tells no time. */
  async profile(work: () => Promise<unknown>): Promise<Map<string, number> | undefined> {
    if (!this.gpu.features.has('timestamp-query')) return undefined
    this.endPass()
    const stopwatch = this.stopwatch = new Stopwatch(this.gpu)
    try { await work() } finally { this.stopwatch = undefined }
    await this.sync()
    return this.waiting(stopwatch.seconds())
  }

  memory() { return this.pool.memory() }
  resetPeak() { this.pool.resetPeak() }

  async destroy(): Promise<void> {
    this.endPass()
    this.encoder = undefined
    this.closing = true
    this.gpu.destroy()
    await this.gpu.lost
  }

  private dispatch(d: Dispatch, buffers: PooledBuffer[], opName: string): void {
    const pipeline = this.pipelines.get(d, d.label ?? opName)
    if (this.stopwatch) this.endPass()
    this.pass ??= this.commands().beginComputePass(this.stopwatch?.pass(opName))
    this.pass.setPipeline(pipeline.pipeline)
    this.pass.setBindGroup(0, this.bindGroups.get(pipeline, buffers, d.uniforms))
    this.pass.dispatchWorkgroups(...d.workgroups)
    this.counters.dispatches++
    if (++this.recorded >= dispatchesPerSubmit) this.flush()
  }

  private commands(): GPUCommandEncoder { return (this.encoder ??= this.gpu.createCommandEncoder()) }

  private endPass(): void {
    this.pass?.end()
    this.pass = undefined
  }

  private flush(): void {
    if (!this.encoder) return
    this.endPass()
    this.gpu.queue.submit([this.encoder.finish()])
    this.encoder = undefined
    this.recorded = 0
    this.counters.submits++
    const done = this.gpu.queue.onSubmittedWorkDone()
    done.catch(() => {}) // a lost device is reported by throwFailure
    this.pending.push(done.catch(() => {}))
  }

  private throwFailure(): void {
    if (this.failure) throw this.failure
  }
}
