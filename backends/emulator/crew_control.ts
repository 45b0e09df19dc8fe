// What the threads of a crew share besides the emulated memory: a few words, the text of a launch, the faults of helpers.
import { EmulatorFault } from './diagnostics.ts'
import type { EmulatorOptions, LaunchState } from './machine.ts'

/** Words of the control block. `generation` is odd while a launch is open to helpers, -1 at the end; `stop`: blocks from there on need not run. */
export const word = { generation: 0, active: 1, next: 2, count: 3, stop: 4, length: 5, returned: 6, faultLength: 32, faultAt: 64 } as const
const returnedAt = 8
export const mostHelpers = 16
const executedByte = 512
const faultByte = 4096, faultBytes = 4096
const textByte = faultByte + mostHelpers * faultBytes
const controlBytes = textByte + 65536

/** One launch, complete in itself: a helper that missed earlier ones can join any. */
export interface LaunchText {
  /** Of the module; its text lies in the emulated memory, its global variables at `places`. */
  readonly module: { readonly id: number; readonly file: string; readonly at: number; readonly bytes: number; readonly places: readonly number[] }
  readonly kernel: string
  readonly options: EmulatorOptions
  readonly state: Pick<LaunchState, 'grid' | 'block' | 'dynamicSharedBytes' | 'paramBase' | 'paramBytes'>
  /** For each helper the ranges of memory that are its own. */
  readonly chunks: readonly (readonly { readonly start: number; readonly bytes: number }[])[]
  /** Pairs of words: start and bytes of every live allocation; `version` changes with them. */
  readonly allocations: { readonly at: number; readonly count: number; readonly version: number }
}

export class CrewControl {
  readonly words: Int32Array<SharedArrayBuffer>
  private readonly bytes: Uint8Array<SharedArrayBuffer>
  private readonly counts: BigInt64Array<SharedArrayBuffer>

  constructor(readonly buffer = new SharedArrayBuffer(controlBytes)) {
    this.words = new Int32Array(buffer)
    this.bytes = new Uint8Array(buffer)
    this.counts = new BigInt64Array(buffer, executedByte, 1)
  }

  load(name: keyof typeof word): number { return Atomics.load(this.words, word[name]) }

  /** Before helpers see the launch. False if its text does not fit. */
  write(launch: LaunchText, blocks: number): boolean {
    const text = new TextEncoder().encode(JSON.stringify(launch))
    if (text.length > controlBytes - textByte) return false
    this.bytes.set(text, textByte)
    this.words.fill(0, word.faultLength, word.faultAt + mostHelpers)
    for (const [name, value] of [['length', text.length], ['next', 0], ['count', blocks], ['stop', 0x7fffffff], ['returned', 0]] as const) Atomics.store(this.words, word[name], value)
    Atomics.store(this.counts, 0, 0n)
    return true
  }
  read(): LaunchText { return JSON.parse(this.text(textByte, this.load('length'))) as LaunchText }
  private text(at: number, length: number): string { return new TextDecoder().decode(this.bytes.slice(at, at + length)) }

  /** The next block of the grid, lowest first, or undefined: none is left, or a lower one had a fault. */
  take(): number | undefined {
    if (this.load('next') >= this.load('count')) return undefined
    const index = Atomics.add(this.words, word.next, 1)
    return index < this.load('count') && index < this.load('stop') ? index : undefined
  }
  /** A block that a helper had no memory for. */
  giveBack(index: number): void { this.words[returnedAt + Atomics.add(this.words, word.returned, 1)] = index }
  returned(): number[] { return [...this.words.slice(returnedAt, returnedAt + this.load('returned'))] }

  stopAt(index: number): void {
    for (let old = this.load('stop'); index < old;) {
      const seen = Atomics.compareExchange(this.words, word.stop, old, index)
      if (seen === old) return
      old = seen
    }
  }
  executed(by: number): void { Atomics.add(this.counts, 0, BigInt(by)) }
  get executedByHelpers(): number { return Number(Atomics.load(this.counts, 0)) }

  /** `index`: the block that had it. */
  tellFault(helper: number, index: number, error: unknown): void {
    const { kind, message, place, target } = error instanceof EmulatorFault ? error : { kind: null, message: String((error as Error).stack ?? error), place: null, target: null }
    const text = new TextEncoder().encode(JSON.stringify({ kind, message: message.slice(0, 2000), place, target }))
    this.bytes.set(text, faultByte + helper * faultBytes)
    this.words[word.faultAt + helper] = index
    this.words[word.faultLength + helper] = text.length
    this.stopAt(index)
  }
  /** The fault of the lowest block among those that helpers told of. */
  firstFault(): { at: number; error: Error } | undefined {
    let first: { at: number; error: Error } | undefined
    for (let h = 0; h < mostHelpers; h++) {
      const length = this.words[word.faultLength + h]
      if (length === 0 || (first && this.words[word.faultAt + h] >= first.at)) continue
      const { kind, message, place, target } = JSON.parse(this.text(faultByte + h * faultBytes, length))
      first = { at: this.words[word.faultAt + h], error: kind === null ? new Error(`emulator helper ${h}: ${message}`) : new EmulatorFault(kind, message, place, target) }
    }
    return first
  }
}
