// A strip: consecutive instructions that work lane by lane, as one WebAssembly function. It runs them for four lanes at a time,
// eight times, with registers in locals: each is loaded once where it is first read and stored once at the end of a round.
// Values of 32 bits (and narrower ones, zero-extended) are one vector, of 64 bits two halves of two lanes, predicates a vector
// of all-ones words. Lanes outside the mask compute what nobody keeps: an emitter must not trap.
//
// A quick form may leave results in doubt (a product and sum that may have rounded twice): it says so in a vector that is looked
// at once a round. Then another function runs the round from its registers in memory, with every instruction in its exact form.
import type { Slot } from '../machine.ts'
import { Code, I32, V128, op, simd } from './wasm_encoder.ts'

/** What stands in a slot for good: an immediate's bits. `bytes` 0 is a predicate. */
export interface Constant { readonly bytes: number; readonly pattern: bigint }

/** Parameters: the frame, the mask; of a single round its addresses of 32-bit and 64-bit lanes and its place in the mask. */
const [BASE, MASK, WORDS, LONGS, SHIFT] = [0, 1, 2, 3, 4]
/** The words of lane 0 to 3 of a round, as bits of a nibble. */
const nibble = [1, 2, 4, 8] as const
const vectorBytes = 16

export interface Guarded { readonly guard: { readonly slot: Slot; readonly negate: boolean } | null; readonly emit: (strip: Strip) => void }
interface Range { readonly least: number; readonly most: number }
const upperHalf = [8, 9, 10, 11, 12, 13, 14, 15, 0, 0, 0, 0, 0, 0, 0, 0]

type ConstantAt = (slot: Slot) => Constant | undefined

export class Strip {
  readonly code: Code
  private readonly laneMask: number
  private readonly cached = new Map<Slot, readonly number[]>()
  private readonly dirty = new Set<Slot>()
  private readonly predicates = new Map<Slot, number>()
  private readonly dirtyPredicates = new Set<Slot>()
  private readonly spare: number[] = []
  private guard: number | null = null
  /** Slots (and predicates) whose locals hold their values in this pass, and f32 slots whose doubles do. */
  private readonly loaded = new Set<Slot>()
  private readonly doubles = new Map<Slot, { readonly locals: readonly [number, number]; valid: boolean }>()
  private doubts: { readonly flags: number } | undefined
  private range: Range | undefined

  /** `exact`: one round, by forms that leave no doubt. */
  private constructor(private readonly constantAt: ConstantAt, readonly exact: boolean) {
    this.code = new Code([I32, I32, I32, I32, I32])
    this.laneMask = this.code.local(V128)
  }

  /**
   * The functions that run the instructions, in order: of (frame, mask, 0, 0, 0), and if results may be in doubt one for a single
   * round, which stands before it; `index` is that of the first.
   */
  static build(instructions: readonly Guarded[], constantAt: ConstantAt, index: number): Code[] {
    const quick = new Strip(constantAt, false)
    const body = quick.emitted(instructions)
    if (!quick.doubts) return [quick.loop(body, null)]
    const exact = new Strip(constantAt, true)
    exact.code.append(exact.emitted(instructions))
    exact.store()
    return [exact.code, quick.loop(body, index)]
  }

  private emitted(instructions: readonly Guarded[]): Uint8Array {
    for (const i of instructions) this.guarded(i.guard, () => i.emit(this))
    return this.code.take()
  }

  private loop(body: Uint8Array, exact: number | null): Code {
    const { code, doubts, range } = this
    code.get(BASE).set(WORDS).get(BASE).set(LONGS)
    const round = code.loop()
    const skip = code.block()
    // Rounds without an active lane are passed over.
    code.get(MASK).get(SHIFT).op(op.i32_shr_u).i32(15).op(op.i32_and).op(op.i32_eqz).brIf(skip)
    if (doubts) code.vConst32(0).set(doubts.flags)
    if (range) code.vConst32(-1).set(range.least).vConst32(0).set(range.most)
    code.append(body)
    if (doubts) {
      code.get(doubts.flags)
      // At most 2 ** -126 but not zero, or NaN.
      if (range) code.get(range.least).vConst32(0x00800000).simd(simd.i32x4_lt_u).simd(simd.or).get(range.most).vConst32(0x7f800000).simd(simd.i32x4_gt_u).simd(simd.or)
      code.simd(simd.any_true).if()
      code.get(BASE).get(MASK).get(WORDS).get(LONGS).get(SHIFT).call(exact!).br(skip)
      code.end()
    }
    this.store()
    code.end() // skip
    code.get(WORDS).i32(vectorBytes).op(op.i32_add).set(WORDS)
    code.get(LONGS).i32(2 * vectorBytes).op(op.i32_add).set(LONGS)
    code.get(SHIFT).i32(4).op(op.i32_add).tee(SHIFT).i32(32).op(op.i32_lt_u).brIf(round)
    code.end() // round
    return code
  }

  /** The vector in which a round gathers doubt: ones where there is any. */
  doubt(): number { return (this.doubts ??= { flags: this.code.local(V128) }).flags }
  /** Puts the results in the local in doubt where they are NaN. */
  doubtNaN(local: number): void {
    const flags = this.doubt()
    this.code.get(local).get(local).simd(simd.f32x4_ne).get(flags).simd(simd.or).set(flags)
  }
  /** Vectors of the least and the most magnitude of results, as words less one and as words: tiny ones and NaN are in doubt. */
  doubtfulRange(): Range {
    this.doubt()
    return (this.range ??= { least: this.code.local(V128), most: this.code.local(V128) })
  }

  /** Keeps results where the guard holds only. */
  private guarded(guard: Guarded['guard'], body: () => void): void {
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

  /** Locals of a slot, loaded at its first use in a pass. */
  private locals(slot: Slot, parts: 1 | 2, load = true): readonly number[] {
    const { code } = this
    let own = this.cached.get(slot)
    if (!own) this.cached.set(slot, (own = Array.from({ length: parts }, () => code.local(V128))))
    if (this.loaded.has(slot)) return own
    this.loaded.add(slot)
    if (load) own.forEach((local, i) => code.get(parts === 1 ? WORDS : LONGS).vLoad(slot + vectorBytes * i).set(local))
    return own
  }

  /** The f32 lanes of a slot as doubles, kept for the next that asks: two lanes, half 0 or 1. */
  getDouble(slot: Slot, half: number): void {
    const { code } = this
    const constant = this.constantAt(slot)
    if (constant) { code.vConstF64(new Float32Array(Uint32Array.of(Number(constant.pattern)).buffer)[0]); return }
    let known = this.doubles.get(slot)
    if (!known) this.doubles.set(slot, (known = { locals: [code.local(V128), code.local(V128)], valid: false }))
    if (!known.valid) {
      const [low, high] = known.locals
      const [value] = this.locals(slot, 1)
      code.get(value).simd(simd.f64x2_promote_low_f32x4).set(low)
      code.get(value).get(value).shuffle(upperHalf).simd(simd.f64x2_promote_low_f32x4).set(high)
      known.valid = true
    }
    code.get(known.locals[half])
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
    const doubles = this.doubles.get(slot)
    if (doubles) doubles.valid = false
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
    const { code } = this
    let own = this.predicates.get(slot)
    if (own === undefined) this.predicates.set(slot, (own = code.local(V128)))
    if (this.loaded.has(slot)) return own
    this.loaded.add(slot)
    if (load) { code.get(BASE).i32Load(slot); this.spread(); code.set(own) }
    return own
  }

  /** The round's bits of the word on the stack as a vector. */
  private spread(): void {
    const { code } = this
    code.get(SHIFT).op(op.i32_shr_u).simd(simd.i32x4_splat).vConst32(...nibble).simd(simd.and).vConst32(...nibble).simd(simd.i32x4_eq)
  }

  /** Takes a vector of all-ones and zero words. */
  setPredicate(slot: Slot): void {
    const { code, guard } = this
    const local = this.predicateLocal(slot, guard !== null)
    if (guard !== null) code.get(local).get(guard).simd(simd.bitselect)
    code.set(local)
    this.dirtyPredicates.add(slot)
  }

  private store(): void {
    const { code } = this
    for (const slot of this.dirtyPredicates) {
      // Of the round's bits those of active lanes; no other round reads them.
      const active = () => code.get(MASK).i32(15).get(SHIFT).op(op.i32_shl).op(op.i32_and)
      code.get(BASE).get(this.predicates.get(slot)!).simd(simd.i32x4_bitmask).get(SHIFT).op(op.i32_shl)
      active()
      code.op(op.i32_and).get(BASE).i32Load(slot)
      active()
      code.i32(-1).op(op.i32_xor).op(op.i32_and).op(op.i32_or).i32Store(slot)
    }
    if (!this.dirty.size) return
    const each = (keep: (local: number, part: number, at: (offset: number) => void, offset: number) => void) => {
      for (const slot of this.dirty) {
        const own = this.cached.get(slot)!
        const address = own.length === 1 ? WORDS : LONGS
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
