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

/** A vector of all-ones where the lane's bit of the local `word` is set; `lanes`: the lane of each of its four words. */
function maskOf({ code }: Lanes, word: number, lanes: readonly number[]): void {
  const [x, y, z, w] = lanes.map((lane) => 1 << lane)
  code.get(word).simd(simd.i32x4_splat).vConst32(x, y, z, w).simd(simd.and).vConst32(x, y, z, w).simd(simd.i32x4_eq)
}
/** Of vector v of 32-bit lanes, and of 64-bit ones; by default of the active lanes. */
export const maskOf4 = (lanes: Lanes, v: number, word = lanes.mask!): void => maskOf(lanes, word, [4 * v, 4 * v + 1, 4 * v + 2, 4 * v + 3])
export const maskOf2 = (lanes: Lanes, v: number, word = lanes.mask!): void => maskOf(lanes, word, [2 * v, 2 * v, 2 * v + 1, 2 * v + 1])

/** dst[v] = value(v); `value` leaves a vector on the stack. */
function store(lanes: Lanes, dst: Slot, vectors: number, maskOfVector: (lanes: Lanes, v: number) => void, value: (v: number) => void): void {
  const { code, base, mask } = lanes
  for (let v = 0; v < vectors; v++) {
    const at = dst + 16 * v
    code.get(base)
    value(v)
    if (mask !== null) { code.get(base).vLoad(at); maskOfVector(lanes, v); code.simd(simd.bitselect) }
    code.vStore(at)
  }
}
/** 8 vectors of 32-bit lanes, and 16 of 64-bit ones. */
export const store4 = (lanes: Lanes, dst: Slot, value: (v: number) => void): void => store(lanes, dst, 8, maskOf4, value)
export const store2 = (lanes: Lanes, dst: Slot, value: (v: number) => void): void => store(lanes, dst, 16, maskOf2, value)

export const load = ({ code, base }: Lanes, slot: Slot, v: number) => code.get(base).vLoad(slot + 16 * v)

/** The sign bits of all lanes as one word on the stack; `lanes`: of one vector. */
function signBits({ code }: Lanes, lanes: number, bitmask: number, compare: (v: number) => void): void {
  for (let v = 0; v < 32 / lanes; v++) {
    compare(v)
    code.simd(bitmask)
    if (v) code.i32(lanes * v).op(op.i32_shl).op(op.i32_or)
  }
}
export const bitmask4 = (lanes: Lanes, compare: (v: number) => void): void => signBits(lanes, 4, simd.i32x4_bitmask, compare)
export const bitmask2 = (lanes: Lanes, compare: (v: number) => void): void => signBits(lanes, 2, simd.i64x2_bitmask, compare)

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
