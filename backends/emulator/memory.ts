// The emulator's one linear memory: a growing arena with a first-fit list of free ranges. Device allocations get guard space on
// both sides, so that an access past the end meets no other buffer.
import type { Allocation, Memory } from './machine.ts'

const pageBytes = 65536
const guardBytes = 256
const maxBytes = 65535 * pageBytes

export class OutOfMemory extends Error {
  constructor(bytes: number) {
    super(`the emulated device has no ${bytes} bytes left (at most ${maxBytes} in all)`)
    this.name = 'OutOfMemory'
  }
}

export class LinearMemory implements Memory {
  readonly wasm: WebAssembly.Memory
  u8!: Uint8Array; i8!: Int8Array; u16!: Uint16Array; i16!: Int16Array; u32!: Uint32Array; i32!: Int32Array
  f32!: Float32Array; f64!: Float64Array; i64!: BigInt64Array; u64!: BigUint64Array; data!: DataView
  lastTouched = 0
  /** First byte never given out; 0 stays unused, so that a null pointer is outside every allocation. */
  private top = 1024
  /** Free ranges by start, no two of them adjacent. */
  private free: { start: number; bytes: number }[] = []
  private readonly reserved = new Map<number, { start: number; bytes: number }>()
  /** Live device allocations, by start. */
  private live: Allocation[] = []
  private lastHit: Allocation | undefined
  private numAllocations = 0

  /** Counts what changes the live allocations. */
  version = 0
  /** The memory is another thread's, which gives parts of it. */
  private readonly partial: boolean

  /** `shared`: other threads may work in it. */
  constructor({ shared = false, of }: { shared?: boolean; of?: WebAssembly.Memory } = {}) {
    this.partial = of !== undefined
    this.wasm = of ?? new WebAssembly.Memory({ initial: 64, maximum: 65535, shared })
    this.renew()
  }

  /** What a helper of a crew has of the launching thread's memory: nothing, until it adopts some. */
  static partOf(wasm: WebAssembly.Memory): LinearMemory { return new LinearMemory({ of: wasm }) }
  adopt(start: number, bytes: number): void { this.giveBack(start, bytes) }
  /** Sees what the owner's memory has grown by. */
  follow(): void { if (this.wasm.buffer.byteLength !== this.u8.byteLength) this.renew() }
  setAllocations(all: readonly { readonly start: number; readonly bytes: number }[]): void {
    this.live = all.map((a, id) => ({ ...a, what: `allocation of ${a.bytes} bytes`, id, live: true }))
    this.lastHit = undefined
  }

  get allocations(): readonly Allocation[] { return this.live }

  get liveBytes(): number { return this.live.reduce((sum, a) => sum + a.bytes, 0) }

  reserve(bytes: number, align = 16): number {
    const range = this.take(bytes, Math.max(16, align))
    this.u8.fill(0, range.offset, range.offset + bytes)
    this.reserved.set(range.offset, range)
    return range.offset
  }

  release(offset: number): void {
    const range = this.reserved.get(offset)
    if (!range) throw new Error(`release of ${offset}, which is not reserved`)
    this.reserved.delete(offset)
    this.giveBack(range.start, range.bytes)
  }

  allocate(bytes: number, what: string): number {
    const range = this.take(bytes + 2 * guardBytes, 256)
    const start = range.offset + guardBytes
    this.u8.fill(0, range.offset, range.offset + bytes + 2 * guardBytes)
    this.reserved.set(start, range)
    const allocation: Allocation = { start, bytes, what, id: this.numAllocations++, live: true }
    this.live.splice(this.after(start), 0, allocation)
    this.version++
    return start
  }

  deallocate(offset: number): void {
    const index = this.after(offset) - 1
    const allocation = this.live[index]
    if (!allocation || allocation.start !== offset) throw new Error(`free of 0x${offset.toString(16)}, which is not an allocation`)
    allocation.live = false
    this.live.splice(index, 1)
    this.version++
    this.lastHit = undefined
    this.release(offset)
  }

  allocationAt(offset: number): Allocation | undefined {
    const hit = this.lastHit
    if (hit && offset >= hit.start && offset < hit.start + hit.bytes) return hit
    const found = this.live[this.after(offset) - 1]
    if (!found || offset >= found.start + found.bytes) return undefined
    return (this.lastHit = found)
  }

  /** Number of live allocations that start at or before `offset`. */
  private after(offset: number): number {
    let low = 0, high = this.live.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.live[middle].start <= offset) low = middle + 1
      else high = middle
    }
    return low
  }

  private take(bytes: number, align: number): { start: number; bytes: number; offset: number } {
    if (!(bytes >= 0 && bytes <= maxBytes)) throw new OutOfMemory(bytes)
    const need = Math.max(16, Math.ceil(bytes / 16) * 16)
    for (let i = 0; i < this.free.length; i++) {
      const range = this.free[i]
      const offset = Math.ceil(range.start / align) * align
      if (offset + need > range.start + range.bytes) continue
      const rest = range.start + range.bytes - (offset + need)
      if (rest > 0) this.free[i] = { start: offset + need, bytes: rest }
      else this.free.splice(i, 1)
      return { start: range.start, bytes: offset + need - range.start, offset }
    }
    if (this.partial) throw new OutOfMemory(bytes)
    const start = this.top
    const offset = Math.ceil(start / align) * align
    const end = offset + need
    if (end > maxBytes) throw new OutOfMemory(bytes)
    if (end > this.wasm.buffer.byteLength) this.grow(end)
    this.top = end
    return { start, bytes: end - start, offset }
  }

  private giveBack(start: number, bytes: number): void {
    let i = this.free.findIndex((r) => r.start > start)
    if (i < 0) i = this.free.length
    this.free.splice(i, 0, { start, bytes })
    const join = (a: number) => {
      const [x, y] = [this.free[a], this.free[a + 1]]
      if (x && y && x.start + x.bytes === y.start) this.free.splice(a, 2, { start: x.start, bytes: x.bytes + y.bytes })
    }
    join(i)
    join(i - 1)
  }

  private grow(end: number): void {
    const have = this.wasm.buffer.byteLength
    // By half at least, so that many small allocations do not grow it each time.
    const pages = Math.ceil((Math.max(end, Math.min(maxBytes, have * 1.5)) - have) / pageBytes)
    try { this.wasm.grow(pages) } catch { throw new OutOfMemory(end - have) }
    this.renew()
  }

  private renew(): void {
    const b = this.wasm.buffer
    this.u8 = new Uint8Array(b); this.i8 = new Int8Array(b); this.u16 = new Uint16Array(b); this.i16 = new Int16Array(b)
    this.u32 = new Uint32Array(b); this.i32 = new Int32Array(b); this.f32 = new Float32Array(b); this.f64 = new Float64Array(b)
    this.i64 = new BigInt64Array(b); this.u64 = new BigUint64Array(b); this.data = new DataView(b)
  }
}
