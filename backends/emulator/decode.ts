// The contract between the loader and the instruction chapters (isa/<chapter>.ts): a chapter is a map from opcode to Decoder.
import type { Operand, Position, Statement, Variable } from './ast.ts'
import type { Control, Exec, Instruction, LoadedFunction, Slot, SlotUse } from './machine.ts'

/** Turns one checked statement into what runs. Throws ctx.error for an unknown modifier, a wrong operand or type. */
export type Decoder = (s: Statement, ctx: DecodeContext) => Decoded
/**
 * Keys are opcodes, or an opcode with its first modifiers where chapters share one ('cp.async.bulk.tensor', 'barrier.cluster',
 * 'ld'): the longest key that begins opcode + modifiers wins, whichever chapter it stands in. The modifiers of the key are not
 * taken: the decoder still takes all of them from ctx.modifiers. (A key 'add f32' names the last modifier and wins over all.)
 */
export type Chapter = Readonly<Record<string, Decoder>>

export interface Decoded {
  exec?: Exec
  control?: Control
  touchesMemory?: boolean
  /** Control: further pcs it may jump to (branch tables). */
  targets?: readonly number[]
  tensorFlop?: number
  /** Called once for each function that has such an instruction, when all of it is decoded: may put others in place of instructions. */
  finish?: (fn: LoadedFunction, instructions: Instruction[]) => void
}

/**
 * Given by the loader, one per statement: remembers every slot asked for, and so fills reads, writes and slots of Instruction.
 * A value operand (register, immediate, special register, symbol address) of any kind becomes a slot.
 */
export interface DecodeContext {
  readonly file: string
  /** 'sm_90a' as number and suffix: 90, 'a'. */
  readonly sm: number
  readonly smSuffix: string
  readonly ptxVersion: readonly [number, number]
  readonly addressSize: 32 | 64
  error(problem: string, at?: Position): never
  /** The modifiers, to be taken one by one; `done` refuses what is left by name. */
  readonly modifiers: Modifiers
  /** Exactly n (or between) operands, else an error that says how many there must be. */
  operands(min: number, max?: number): void
  /**
   * Source operand i read as `type` (u32, s64, f32, b16, pred ...): register widths are checked (`b` types fit any of their size;
   * a wider register is an error unless `wide` is true, as ld/st/cvt allow). Immediates are converted to the type.
   */
  src(operand: Operand, type: string, options?: { wide?: boolean }): Slot
  /** Destination; `_` gives a scratch slot that nobody reads. */
  dst(operand: Operand, type: string, options?: { wide?: boolean }): Slot
  /** Elements of `{a, b}` (a single register counts as one), each as src or dst. */
  srcVector(operand: Operand, type: string, count?: number, options?: { wide?: boolean }): Slot[]
  dstVector(operand: Operand, type: string, count?: number, options?: { wide?: boolean }): Slot[]
  /** Both halves of `%r|%p`; the second is null when absent. */
  dstPair(operand: Operand, first: string, second: string): [Slot, Slot | null]
  /** Source predicate with its negation: `!%p`. */
  predicate(operand: Operand): { slot: Slot; negate: boolean }
  /** `[reg + imm]`, `[sym + imm]`, `[imm]`: slot of the base (64-bit or 32-bit lanes), constant offset, and the symbol's space if it is one. */
  address(operand: Operand): { slot: Slot; wide: boolean; offset: number; variable: Variable | null }
  /** A parameter of an entry (read only, in the launch's parameter block), not of a device function. */
  isKernelParameter(variable: Variable): boolean
  /** A compile-time integer: `.imm` operands. */
  constant(operand: Operand, what: string): number
  /** Declared bytes of a register operand's type (8 for .b64), or of the element. */
  registerBytes(operand: Operand): number
  /** Fresh private slot of this instruction, not shared with others. */
  scratch(bytes: number): Slot
  /** Slot of the carry flags of this frame, a bit a lane. */
  readonly carry: Slot
  label(operand: Operand): number
  branchTable(operand: Operand): readonly number[]
  functionNamed(operand: Operand): () => LoadedFunction
  readonly function: LoadedFunction
}

export interface Modifiers {
  readonly all: readonly string[]
  /** Takes the modifier if it is the next one (or anywhere, with `anywhere`). */
  flag(name: string): boolean
  /** Takes the next modifier if it is one of these. */
  oneOf<T extends string>(names: readonly T[]): T | undefined
  /** Takes the next modifier, which must be one of these: else "add.foo: unknown modifier .foo; expected .u16, .u32". */
  need<T extends string>(names: readonly T[], what: string): T
  /** All that are left: their form has been checked. */
  takeAll(): void
  peek(): string | undefined
  done(): void
}
export type { Instruction, LoadedFunction, Operand, Slot, SlotUse, Statement, Variable }
