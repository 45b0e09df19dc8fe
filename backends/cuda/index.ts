// The PTX backend over any CudaDriver: picks the rung of the kernel ladder, packs arguments, launches in order. It knows kernels by
// op name only, through ptx/index.ts.
import type { Backend } from '../../src/core/backend.ts'
import { DeviceLost, InputError, UnsupportedOp } from '../../src/core/errors.ts'
import type { CudaInfo, PtxDispatch, PtxKernel } from '../../src/core/kernel.ts'
import type { OpCall } from '../../src/core/op.ts'
import { numBytes, show, type Spec } from '../../src/core/shape.ts'
import { kernelFor } from '../../ptx/index.ts'
import { CudaError, type CudaDriver, type CudaFunction, type CudaModule, type DevicePointer } from './driver.ts'
import { packParams } from './params.ts'

interface Buffer { pointer: DevicePointer; bytes: number }

export class CudaBackend implements Backend {
  readonly name: string
  readonly description: string
  private readonly info: CudaInfo
  private readonly modules = new Map<string, CudaModule>()
  private readonly loading = new Map<string, Promise<CudaModule>>()
  /** Work that waits for a module to load, in order; undefined when nothing waits. */
  private tail: Promise<void> | undefined
  private failure: Error | undefined
  private liveBytes = 0
  private peakBytes = 0

  constructor(private readonly driver: CudaDriver) {
    this.name = driver.name
    this.description = driver.description
    this.info = driver.attributes
  }

  /** Freed memory is zeroed by nobody: contents are undefined until written, as the contract says. */
  alloc(spec: Spec): Buffer {
    const bytes = numBytes(spec)
    const buffer = this.take(bytes)
    this.liveBytes += bytes
    this.peakBytes = Math.max(this.peakBytes, this.liveBytes)
    return buffer
  }

  /** Device memory that is not counted; a driver has no empty allocations. */
  private take(bytes: number): Buffer {
    try { return { pointer: this.driver.alloc(Math.max(16, bytes)), bytes } } catch (error) {
      if (!(error instanceof CudaError && error.code === 'CUDA_ERROR_OUT_OF_MEMORY')) throw error
      throw new InputError(`${this.name}: no memory for ${bytes} bytes more beside the ${this.liveBytes} bytes in use (${error.message}); take a smaller batch or model`)
    }
  }

  free(buffer: unknown): void {
    const { pointer, bytes } = buffer as Buffer
    this.liveBytes -= bytes
    this.inOrder(() => this.driver.free(pointer))
  }

  /** No bytes at all clear the buffer. */
  write(buffer: unknown, bytes: Uint8Array): void {
    const { pointer, bytes: size } = buffer as Buffer
    const taken = this.tail ? bytes.slice() : bytes
    this.inOrder(() => { if (taken.length === 0) this.driver.fill(pointer, 0, size); else this.driver.copyToDevice(pointer, taken) })
  }

  /** The copies are queued at the call: what is queued later does not change what arrives. */
  async read(buffers: readonly unknown[]): Promise<Uint8Array[]> {
    let copies: Promise<Uint8Array[]> | undefined
    this.inOrder(() => {
      copies = Promise.all((buffers as readonly Buffer[]).map((b) => this.driver.copyFromDevice(b.pointer, b.bytes)))
      // Waited for below, once its turn has come.
      copies.catch(() => {})
    })
    await this.tail
    if (this.failure) throw this.failed(this.failure)
    try { return await copies! } catch (error) { throw this.failed(error) }
  }

  private kernelOf({ op, specs, attrs }: OpCall): PtxKernel | undefined { return kernelFor(op.name, specs, attrs, this.info.sm) }

  supports(call: OpCall): boolean { return this.kernelOf(call) !== undefined }

  tolerance(call: OpCall): number | undefined { return this.kernelOf(call)?.tolerance?.(call.specs, call.attrs, this.info) }

  run(call: OpCall): void {
    const kernel = this.kernelOf(call)
    if (!kernel) throw new UnsupportedOp(`${call.op.name} on ${this.name}: no PTX kernel for ${Object.entries(call.specs).map(([n, s]) => `${n} ${show(s)}`).join(', ')}`)
    const dispatches = kernel.launch(call, this.info)
    for (const d of dispatches) this.need(d.ptx, d.entry)
    this.inOrder(() => this.launch(call, dispatches))
  }

  /** Starts loading a module that is not there; what follows waits for it. */
  private need(ptx: string, name: string): void {
    if (this.modules.has(ptx) || this.loading.has(ptx)) return
    const loaded = this.driver.loadModule(ptx, name)
    this.loading.set(ptx, loaded)
    const before = this.tail ?? Promise.resolve()
    this.queue(before.then(async () => { this.modules.set(ptx, await loaded) }))
  }

  private queue(work: Promise<void>): void {
    const next = work.catch((error: unknown) => { this.failure ??= error as Error }).then(() => { if (this.tail === next) this.tail = undefined })
    this.tail = next
  }

  private inOrder(work: () => void): void {
    if (this.tail) { this.queue(this.tail.then(() => { if (!this.failure) work() })); return }
    if (this.failure) return
    try { work() } catch (error) { this.failure = error as Error }
  }

  private launch(call: OpCall, dispatches: readonly PtxDispatch[]): void {
    const scratch = new Map<string, Buffer>()
    for (const d of dispatches) {
      for (const a of d.args) {
        const binding = typeof a === 'object' && 'tensorMap' in a ? a.tensorMap.buffer : a
        if (typeof binding === 'object' && 'scratch' in binding && !scratch.has(binding.scratch)) scratch.set(binding.scratch, this.take(binding.bytes))
      }
    }
    const pointerOf = (name: string, own: boolean) => (own ? scratch.get(name)! : call.buffers[name] as Buffer).pointer
    for (const d of dispatches) {
      // Nothing to do for empty tensors; a driver refuses a grid of no blocks.
      if (d.grid.some((n) => n === 0)) continue
      const fn = this.functionOf(d)
      this.driver.launch(fn, d, packParams(d, fn, pointerOf, this.driver))
    }
    // Freed behind the launches: drivers free in order.
    for (const s of scratch.values()) this.driver.free(s.pointer)
  }

  private functionOf({ ptx, entry }: PtxDispatch): CudaFunction {
    const fn = this.modules.get(ptx)?.functions.get(entry)
    if (!fn) throw new Error(`${this.name}: the PTX text has no entry ${entry}`)
    return fn
  }

  private async caughtUp(): Promise<void> {
    while (this.tail) await this.tail
    if (this.failure) throw this.failed(this.failure)
  }

  private failed(error: unknown): Error {
    this.failure ??= error as Error
    return error instanceof CudaError && error.sticky ? new DeviceLost(`${this.name}: ${error.message}`) : error as Error
  }

  async sync(): Promise<void> {
    await this.caughtUp()
    try { await this.driver.synchronize() } catch (error) { throw this.failed(error) }
  }

  /** Seconds on the device between the first and the last of what `work` queues, by its own clock. */
  async timeSec(work: () => void): Promise<number> {
    // What `work` needs must be loaded, else its module would be waited for between the two events.
    await this.caughtUp()
    const [from, to] = [this.driver.createEvent(), this.driver.createEvent()]
    try {
      this.driver.record(from)
      work()
      await this.caughtUp()
      this.driver.record(to)
      return await this.driver.elapsedSec(from, to)
    } catch (error) { throw this.failed(error) } finally { for (const e of [from, to]) this.driver.destroyEvent(e) }
  }

  memory() { return { liveBytes: this.liveBytes, peakBytes: this.peakBytes } }
  resetPeak(): void { this.peakBytes = this.liveBytes }
  async destroy(): Promise<void> {
    while (this.tail) await this.tail
    await this.driver.destroy()
  }
}
