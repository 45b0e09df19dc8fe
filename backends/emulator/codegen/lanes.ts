// Lane code: what the emitters of one instruction write into. A warp's 32 lanes are 8 vectors of 4 (32-bit slots) or 16 of 2
// (64-bit slots). With `mask` null every lane is active and results are stored as they are; else they are blended in.
import type { Operand } from '../ast.ts'
import type { Slot } from '../machine.ts'
import { Code, I32, V128, op, simd } from './wasm_encoder.ts'

/** What an emitter gets: operands as slots, and where to write. It returns false for what it leaves to the interpreter. */
export interface Lanes {
  readonly code: Code
  /** Locals: linear address of the frame, mask of the active lanes or null for all. */
  readonly base: number
  readonly mask: number | null
  slotOf(operand: Operand): Slot | undefined
  /** Scratch locals, shared by all instructions of a function: nothing in them outlives one instruction. */
  readonly vectors: readonly number[]
  readonly words: readonly number[]
  /** Runs this instruction by the interpreter, for the same lanes. */
  interpret(): void
}

/** Locals that emitters use freely. */
export function scratchLocals(code: Code): { vectors: number[]; words: number[] } {
  return { vectors: Array.from({ length: 20 }, () => code.local(V128)), words: Array.from({ length: 6 }, () => code.local(I32)) }
}

/** All-ones where lane 4 v + i of the mask is set. */
export function maskOf4({ code, mask }: Lanes, v: number): void {
  const bits = [0, 1, 2, 3].map((i) => 1 << (4 * v + i)) as [number, number, number, number]
  code.get(mask!).simd(simd.i32x4_splat).vConst32(...bits).simd(simd.and).vConst32(...bits).simd(simd.i32x4_eq)
}

export function maskOf2({ code, mask }: Lanes, v: number): void {
  const bits = [1 << (2 * v), 1 << (2 * v + 1)]
  code.get(mask!).simd(simd.i32x4_splat).vConst32(bits[0], bits[0], bits[1], bits[1]).simd(simd.and).vConst32(bits[0], bits[0], bits[1], bits[1]).simd(simd.i32x4_eq)
}

/** dst[v] = value(v) for 8 vectors of 32-bit lanes; `value` leaves a vector on the stack. */
export function store4(lanes: Lanes, dst: Slot, value: (v: number) => void): void {
  const { code, base, mask } = lanes
  for (let v = 0; v < 8; v++) {
    const at = dst + 16 * v
    code.get(base)
    value(v)
    if (mask !== null) { code.get(base).vLoad(at); maskOf4(lanes, v); code.simd(simd.bitselect) }
    code.vStore(at)
  }
}

/** The same for 16 vectors of 64-bit lanes. */
export function store2(lanes: Lanes, dst: Slot, value: (v: number) => void): void {
  const { code, base, mask } = lanes
  for (let v = 0; v < 16; v++) {
    const at = dst + 16 * v
    code.get(base)
    value(v)
    if (mask !== null) { code.get(base).vLoad(at); maskOf2(lanes, v); code.simd(simd.bitselect) }
    code.vStore(at)
  }
}

export const load = ({ code, base }: Lanes, slot: Slot, v: number) => code.get(base).vLoad(slot + 16 * v)

/** The 32 sign bits of 8 vectors as one word on the stack. */
export function bitmask4({ code }: Lanes, compare: (v: number) => void): void {
  for (let v = 0; v < 8; v++) {
    compare(v)
    code.simd(simd.i32x4_bitmask)
    if (v) code.i32(4 * v).op(op.i32_shl).op(op.i32_or)
  }
}
export function bitmask2({ code }: Lanes, compare: (v: number) => void): void {
  for (let v = 0; v < 16; v++) {
    compare(v)
    code.simd(simd.i64x2_bitmask)
    if (v) code.i32(2 * v).op(op.i32_shl).op(op.i32_or)
  }
}

/** Predicate slot = word `local`, for the active lanes. */
export function storePredicate({ code, base, mask }: Lanes, slot: Slot, local: number): void {
  code.get(base)
  if (mask === null) code.get(local)
  else {
    code.get(local).get(mask).op(op.i32_and)
    code.get(base).i32Load(slot).get(mask).i32(-1).op(op.i32_xor).op(op.i32_and).op(op.i32_or)
  }
  code.i32Store(slot)
}
