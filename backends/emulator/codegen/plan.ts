// How an instruction is compiled is planned before anything is emitted: a planner looks at modifiers and operands and returns
// the emitter for a strip, or undefined for a form that is the interpreter's.
import type { Operand, Statement } from '../ast.ts'
import type { Slot } from '../machine.ts'
import type { Strip } from './strip.ts'
import { simd } from './wasm_encoder.ts'

export type Emit = (strip: Strip) => void
export type Planner = (s: Statement, o: Operands) => Emit | undefined
export type Planners = Readonly<Record<string, Planner>>

/** The operands of a statement as slots. */
export class Operands {
  constructor(private readonly statement: Statement, private readonly slotOf: (o: Operand) => Slot | undefined) {}

  get count(): number { return this.statement.operands.length }
  operand(i: number): Operand { return this.statement.operands[i] }
  /** A value's slot. Planners look at the kinds of operands first where others than values may stand. */
  slot(i: number): Slot { return this.of(this.operand(i)) }
  of(o: Operand): Slot {
    const slot = this.slotOf(o)
    if (slot === undefined) throw new Error(`${this.statement.opcode}: an operand without a slot`)
    return slot
  }
  /** Every operand is a plain value. */
  get plain(): boolean { return this.statement.operands.every((o) => this.isValue(o)) }
  isValue(o: Operand): boolean { return !(o.kind === 'reg' && o.negate) && this.slotOf(o) !== undefined }
  /** A predicate operand with its negation; undefined for anything else. */
  predicate(i: number): { slot: Slot; negate: boolean } | undefined {
    const o = this.operand(i)
    if (o.kind !== 'reg') return undefined
    const slot = this.slotOf(o)
    return slot === undefined ? undefined : { slot, negate: o.negate }
  }
  /** Declared bytes of a register; 0 for all else. */
  registerBytes(i: number): number { return registerBytes(this.operand(i)) }
}
export const registerBytes = (o: Operand): number => (o.kind === 'reg' ? o.variable.elementBytes / o.variable.vector : 0)

/** An integer or bit type by size and sign. */
export interface IntegerType { readonly bits: number; readonly signed: boolean }
export function integerType(name: string, sizes: readonly number[] = [16, 32, 64]): IntegerType | undefined {
  const m = /^([sub])(8|16|32|64)$/.exec(name)
  return m && sizes.includes(Number(m[2])) ? { bits: Number(m[2]), signed: m[1] === 's' } : undefined
}

/** A value of up to 32 bits on the stack, sign-extended where the type asks for it. */
export function load(strip: Strip, slot: Slot, { bits, signed }: IntegerType): void {
  strip.get32(slot)
  if (bits < 32 && signed) strip.code.i32(32 - bits).simd(simd.i32x4_shl).i32(32 - bits).simd(simd.i32x4_shr_s)
}
/** Cuts the value on the stack to the bits of the type, as its slot holds it. */
export function cut(strip: Strip, { bits }: IntegerType): void {
  if (bits < 32) strip.code.vConst32(2 ** bits - 1).simd(simd.and)
}

export const lowWords = [0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27]
export const highWords = [4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23, 28, 29, 30, 31]
