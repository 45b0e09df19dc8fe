// A strip: consecutive instructions that work lane by lane, as one WebAssembly function. It runs them for four lanes at a time,
// eight times, with registers in locals: each is loaded once where it is first read and stored once at the end of a round.
// Values of 32 bits (and narrower ones, zero-extended) are one vector, of 64 bits two halves of two lanes, predicates a vector
// of all-ones words. Lanes outside the mask compute what nobody keeps: an emitter must not trap.
import type { Slot } from '../machine.ts'
import { Code, I32, V128, op, simd } from './wasm_encoder.ts'

/** What stands in a slot for good: an immediate's bits. `bytes` 0 is a predicate. */
export interface Constant { readonly bytes: number; readonly pattern: bigint }

const BASE = 0
const MASK = 1
/** The words of lane 0 to 3 of a round, as bits of a nibble. */
const nibble = [1, 2, 4, 8] as const
const vectorBytes = 16

export class Strip {
  readonly code = new Code([I32, I32])
  /** Addresses that step with the rounds: of 32-bit lanes and of 64-bit ones; `shift`: of the round's bits in a mask. */
  private readonly words = this.code.local(I32)
  private readonly longs = this.code.local(I32)
  private readonly shift = this.code.local(I32)
  private readonly laneMask = this.code.local(V128)
  private readonly cached = new Map<Slot, readonly number[]>()
  private readonly dirty = new Set<Slot>()
  private readonly predicates = new Map<Slot, number>()
  /** Predicates that are written, with the word that their bits gather in. */
  private readonly dirtyPredicates = new Map<Slot, number>()
  private readonly spare: number[] = []
  private guard: number | null = null
  private readonly round: number
  private readonly skip: number

  constructor(private readonly constantAt: (slot: Slot) => Constant | undefined) {
    const { code } = this
    code.get(BASE).set(this.words).get(BASE).set(this.longs)
    this.round = code.loop()
    this.skip = code.block()
    // Rounds without an active lane are passed over.
    code.get(MASK).get(this.shift).op(op.i32_shr_u).i32(15).op(op.i32_and).op(op.i32_eqz).brIf(this.skip)
  }

  /** The instructions emitted by `body` keep their results where the guard holds only. */
  guarded(guard: { readonly slot: Slot; readonly negate: boolean } | null, body: () => void): void {
    if (guard === null) { body(); return }
    const own = this.vector()
    this.predicate(guard.slot, guard.negate)
    this.code.set(own)
    this.guard = own
    body()
    this.guard = null
    this.release(own)
  }

  /** A scratch vector, until it is released. */
  vector(): number { return this.spare.pop() ?? this.code.local(V128) }
  release(...locals: number[]): void { this.spare.push(...locals) }
  /** Calls `body` with scratch vectors of its own. */
  withVectors(count: number, body: (...locals: number[]) => void): void {
    const locals = Array.from({ length: count }, () => this.vector())
    body(...locals)
    this.release(...locals)
  }

  /** The 32-bit lanes of a slot, on the stack. */
  get32(slot: Slot): void { this.get(slot, 0, 1) }
  /** Two 64-bit lanes: half 0 or 1 of the round's four. */
  get64(slot: Slot, half: number): void { this.get(slot, half, 2) }

  private get(slot: Slot, part: number, parts: 1 | 2): void {
    const { code } = this
    const constant = this.constantAt(slot)
    if (constant) { if (parts === 1) code.vConst32(Number(BigInt.asIntN(32, constant.pattern))); else code.vConst64(constant.pattern); return }
    code.get(this.locals(slot, parts)[part])
  }

  /** Locals of a slot, loaded at its first use. */
  private locals(slot: Slot, parts: 1 | 2, load = true): readonly number[] {
    const known = this.cached.get(slot)
    if (known) return known
    const { code } = this
    const own = Array.from({ length: parts }, () => code.local(V128))
    if (load) own.forEach((local, i) => code.get(parts === 1 ? this.words : this.longs).vLoad(slot + vectorBytes * i).set(local))
    this.cached.set(slot, own)
    return own
  }

  /** Takes the vector on the stack as the new value. */
  set32(slot: Slot): void { this.set(slot, 0, 1) }
  set64(slot: Slot, half: number): void { this.set(slot, half, 2) }
  private set(slot: Slot, part: number, parts: 1 | 2): void {
    const { code, guard } = this
    // What the guard or, at the first half, the other half keeps must be there.
    const local = this.locals(slot, parts, guard !== null)[part]
    if (guard !== null) { code.get(local).get(guard); if (parts === 2) this.widen(part); code.simd(simd.bitselect) }
    code.set(local)
    this.dirty.add(slot)
  }

  /** A vector of words, all ones or zeros, as two of longs. */
  widen(half: number): void { this.code.simd(half ? simd.i64x2_extend_high_i32x4_s : simd.i64x2_extend_low_i32x4_s) }

  /** All-ones words where the predicate (or its negation) holds. */
  predicate(slot: Slot, negate: boolean): void {
    const { code } = this
    const constant = this.constantAt(slot)
    if (constant) { code.vConst32((constant.pattern !== 0n) !== negate ? -1 : 0); return }
    code.get(this.predicateLocal(slot, true))
    if (negate) code.simd(simd.not)
  }

  private predicateLocal(slot: Slot, load: boolean): number {
    const known = this.predicates.get(slot)
    if (known !== undefined) return known
    const { code } = this
    const own = code.local(V128)
    if (load) { code.get(BASE).i32Load(slot); this.spread(); code.set(own) }
    this.predicates.set(slot, own)
    return own
  }

  /** The round's bits of the word on the stack as a vector. */
  private spread(): void {
    const { code } = this
    code.get(this.shift).op(op.i32_shr_u).simd(simd.i32x4_splat).vConst32(...nibble).simd(simd.and).vConst32(...nibble).simd(simd.i32x4_eq)
  }

  /** Takes a vector of all-ones and zero words. */
  setPredicate(slot: Slot): void {
    const { code, guard } = this
    const local = this.predicateLocal(slot, guard !== null)
    if (guard !== null) code.get(local).get(guard).simd(simd.bitselect)
    code.set(local)
    if (!this.dirtyPredicates.has(slot)) this.dirtyPredicates.set(slot, code.local(I32))
  }

  /** The whole function. */
  done(): Code {
    const { code } = this
    this.store()
    code.end() // skip
    code.get(this.words).i32(vectorBytes).op(op.i32_add).set(this.words)
    code.get(this.longs).i32(2 * vectorBytes).op(op.i32_add).set(this.longs)
    code.get(this.shift).i32(4).op(op.i32_add).tee(this.shift).i32(32).op(op.i32_lt_u).brIf(this.round)
    code.end() // round
    for (const [slot, word] of this.dirtyPredicates) {
      code.get(BASE).get(word).get(MASK).op(op.i32_and)
      code.get(BASE).i32Load(slot).get(MASK).i32(-1).op(op.i32_xor).op(op.i32_and).op(op.i32_or).i32Store(slot)
    }
    return code
  }

  private store(): void {
    const { code } = this
    for (const [slot, word] of this.dirtyPredicates) code.get(word).get(this.predicates.get(slot)!).simd(simd.i32x4_bitmask).get(this.shift).op(op.i32_shl).op(op.i32_or).set(word)
    if (!this.dirty.size) return
    const each = (keep: (local: number, part: number, at: (offset: number) => void, offset: number) => void) => {
      for (const slot of this.dirty) {
        const own = this.cached.get(slot)!
        const address = own.length === 1 ? this.words : this.longs
        own.forEach((local, part) => keep(local, part + own.length - 1, () => { code.get(address) }, slot + vectorBytes * part))
      }
    }
    code.get(MASK).i32(-1).op(op.i32_eq).if()
    each((local, _, at, offset) => { at(offset); code.get(local).vStore(offset) })
    code.else()
    code.get(MASK)
    this.spread()
    code.set(this.laneMask)
    // `part` counts from 1 on for the halves of 64-bit lanes.
    each((local, part, at, offset) => {
      at(offset)
      code.get(local); at(offset); code.vLoad(offset).get(this.laneMask)
      if (part > 0) this.widen(part - 1)
      code.simd(simd.bitselect).vStore(offset)
    })
    code.end()
  }
}
