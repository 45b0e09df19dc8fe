// The `dry` backend: executes nothing, only accounts. It measures one step's memory by class and its FLOP for models of any
// size, by the very code that would train them.
import type { Backend } from '../../src/core/backend.ts'
import type { OpCall } from '../../src/core/op.ts'
import { numBytes, show, type Spec } from '../../src/core/shape.ts'

/** What memory is for. Callers may add names of their own. */
export type MemoryClass = 'weights' | 'gradients' | 'moments' | 'activations' | 'workspace' | (string & {})

export interface DryReport {
  /** Most bytes that were live at once since the last `resetPeak`. */
  peakBytes: number
  /** Composition at the first moment of that peak; sums to `peakBytes`. */
  peakByClass: Record<string, number>
  /** Multiply-adds counted twice. */
  flops: number
  /** Op calls (on a real backend a call is one or several dispatches). */
  dispatchCount: number
  flopsByOp: Record<string, number>
}

interface DryBuffer {
  readonly spec: Spec
  readonly bytes: number
  class: number
  /** Number of the allocation: tells whether it was live at the peak, and at the last mark. */
  readonly serial: number
  freed: boolean
}

const readableBytes = 2 ** 26

export class DryBackend implements Backend {
  readonly name = 'dry'
  readonly description = 'counts bytes and FLOP, computes nothing'
  private readonly classes: string[] = []
  private readonly live: number[] = []
  private atPeak: number[] = []
  private liveTotal = 0
  private peakTotal = 0
  private serial = 0
  private peakSerial = 0
  private markSerial = 0
  private current = this.classOf('activations')
  private readonly marks = new Map<string, Record<string, number>>()
  private readonly flopsByOp = new Map<string, number>()
  private flops = 0
  private calls = 0

  /** Runs `fn`; what it allocates is of class `name`. */
  withClass<R>(name: MemoryClass, fn: () => R): R {
    const outer = this.current
    this.current = this.classOf(name)
    try { return fn() } finally { this.current = outer }
  }

  /** The class of what is allocated from now on; at first `activations`. */
  setClass(name: MemoryClass): void { this.current = this.classOf(name) }

  /** Gives a live buffer (`tensor.storage.handle`) another class, also in the peak that it was part of: gradients are known only after backward. */
  retag(buffer: unknown, name: MemoryClass): void { this.move(buffer as DryBuffer, this.classOf(name)) }

  /**
   * Notes the live bytes by class under a name (the last time counts). Call it when backward starts: an `activations` buffer
   * that lives across a mark is a saved activation; one freed with no mark in its life was `workspace`, and is reported so.
   */
  mark(name: string): void {
    this.markSerial = this.serial
    this.marks.set(name, this.byClass(this.live))
  }

  /** Live bytes by class at the mark of that name. */
  marked(name: string): Record<string, number> | undefined { return this.marks.get(name) }

  report(): DryReport {
    return {
      peakBytes: this.peakTotal, peakByClass: this.byClass(this.atPeak), flops: this.flops, dispatchCount: this.calls,
      flopsByOp: Object.fromEntries([...this.flopsByOp].sort((a, b) => b[1] - a[1])),
    }
  }

  /** FLOP and calls back to zero, the peak to what is live: to measure one step after set-up. */
  reset(): void {
    this.flops = 0
    this.calls = 0
    this.flopsByOp.clear()
    this.marks.clear()
    this.resetPeak()
  }

  alloc(spec: Spec): DryBuffer {
    const bytes = numBytes(spec)
    if (!Number.isSafeInteger(bytes)) throw new Error(`dry: ${show(spec)} has no countable size`)
    const buffer = { spec, bytes, class: this.current, serial: ++this.serial, freed: false }
    this.live[this.current] += bytes
    this.liveTotal += bytes
    if (this.liveTotal > this.peakTotal) this.takePeak()
    return buffer
  }

  free(buffer: unknown): void {
    const b = buffer as DryBuffer
    if (b.freed) throw new Error(`dry: a buffer of ${show(b.spec)} was freed twice`)
    // Never saved for a backward pass: while it lived it was scratch of the forward pass.
    if (this.classes[b.class] === 'activations' && b.serial > this.markSerial) this.move(b, this.classOf('workspace'))
    b.freed = true
    this.live[b.class] -= b.bytes
    this.liveTotal -= b.bytes
  }

  write(): void {}

  /** Zeros: a loss can be asked for, a tensor of a real model not. */
  async read(buffers: readonly unknown[]): Promise<Uint8Array[]> {
    return (buffers as DryBuffer[]).map(({ spec, bytes }) => {
      if (bytes > readableBytes) throw new Error(`dry: ${show(spec)} holds no values to read`)
      return new Uint8Array(bytes)
    })
  }

  supports(): boolean { return true }

  run({ op, specs, attrs }: OpCall): void {
    const flops = op.flops?.(specs, attrs) ?? 0
    this.flops += flops
    if (flops) this.flopsByOp.set(op.name, (this.flopsByOp.get(op.name) ?? 0) + flops)
    this.calls++
  }

  async sync(): Promise<void> {}
  memory() { return { liveBytes: this.liveTotal, peakBytes: this.peakTotal } }
  resetPeak(): void { this.takePeak() }
  async destroy(): Promise<void> {}

  private classOf(name: string): number {
    const known = this.classes.indexOf(name)
    if (known >= 0) return known
    this.live.push(0)
    this.atPeak.push(0)
    return this.classes.push(name) - 1
  }

  private takePeak(): void {
    this.peakTotal = this.liveTotal
    this.peakSerial = this.serial
    this.atPeak = this.live.slice()
  }

  /** A live buffer made before the peak was part of it. */
  private move(b: DryBuffer, to: number): void {
    if (b.freed) throw new Error(`dry: a buffer of ${show(b.spec)} was freed already`)
    this.live[b.class] -= b.bytes
    this.live[to] += b.bytes
    if (b.serial <= this.peakSerial) {
      this.atPeak[b.class] -= b.bytes
      this.atPeak[to] += b.bytes
    }
    b.class = to
  }

  private byClass(bytes: readonly number[]): Record<string, number> {
    return Object.fromEntries(this.classes.map((name, i): [string, number] => [name, bytes[i]]).filter(([, n]) => n > 0))
  }
}
