// Streams, events and graphs of the emulated driver. Work runs at the call, so every stream is always caught up: an event is a
// moment, a wait is nothing, and a captured stream keeps a list that `replay` runs.
import { CudaError, type CudaEvent, type CudaGraph, type CudaStream } from '../cuda/driver.ts'

interface Stream extends CudaStream { captured: (() => void)[] | null }
interface Event extends CudaEvent { atMs: number | null }
interface Graph extends CudaGraph { readonly work: readonly (() => void)[] }

const invalid = (message: string): never => { throw new CudaError('CUDA_ERROR_INVALID_HANDLE', message, false) }

export class Streams {
  private readonly live = new Set<unknown>()
  private made = 0

  private keep<T>(handle: T): T { this.live.add(handle); return handle }
  private checked<T>(handle: unknown, what: string): T {
    if (!this.live.has(handle)) invalid(`${what} was destroyed, or is another driver's`)
    return handle as T
  }

  createStream(): CudaStream { return this.keep<Stream>({ stream: ++this.made, captured: null }) }
  createEvent(): CudaEvent { return this.keep<Event>({ event: ++this.made, atMs: null }) }
  destroy(handle: CudaStream | CudaEvent | CudaGraph): void {
    this.checked(handle, 'the handle')
    this.live.delete(handle)
  }

  /** Runs `work` now, or writes it down when the stream is being captured. */
  enqueue(stream: CudaStream | undefined, work: () => void): void {
    const captured = stream && this.checked<Stream>(stream, 'the stream').captured
    if (captured) captured.push(work)
    else work()
  }

  record(event: CudaEvent, stream?: CudaStream): void {
    const e = this.checked<Event>(event, 'the event')
    this.enqueue(stream, () => { e.atMs = performance.now() })
  }

  elapsedSec(from: CudaEvent, to: CudaEvent): number {
    const [a, b] = [from, to].map((e) => this.checked<Event>(e, 'the event').atMs)
    if (a === null || b === null) throw new CudaError('CUDA_ERROR_INVALID_HANDLE', 'elapsed time of an event that was never recorded', false)
    return (b - a) / 1000
  }

  beginCapture(stream: CudaStream): void {
    const s = this.checked<Stream>(stream, 'the stream')
    if (s.captured) throw new CudaError('CUDA_ERROR_ILLEGAL_STATE', 'the stream is being captured already', false)
    s.captured = []
  }

  endCapture(stream: CudaStream): CudaGraph {
    const s = this.checked<Stream>(stream, 'the stream')
    if (!s.captured) throw new CudaError('CUDA_ERROR_ILLEGAL_STATE', 'the stream is not being captured', false)
    const work = s.captured
    s.captured = null
    return this.keep<Graph>({ graph: ++this.made, numNodes: work.length, work })
  }

  replay(graph: CudaGraph, stream?: CudaStream): void {
    for (const work of this.checked<Graph>(graph, 'the graph').work) this.enqueue(stream, work)
  }
}
