// Compiles a function's instructions to one WebAssembly module: basic blocks behind a `br_table` in a loop, registers in memory,
// 32 lanes as vectors. Two functions come out: `full` for a group of all 32 lanes, `masked` for fewer. Both run from a block's
// first pc until a control instruction other than an undivided branch, a pc at or beyond `limit` (where another group of the
// warp stands), or the end of the budget, and return the pc they stopped at. What no emitter knows is a call to the interpreter.
import type { Operand } from '../ast.ts'
import type { Instruction, Memory, Slot } from '../machine.ts'
import { floatEmitters } from './emit_float.ts'
import { integerEmitters } from './emit_integer.ts'
import { memoryEmitters, type AddressOperand, type MemoryLanes } from './emit_memory.ts'
import { scratchLocals } from './lanes.ts'
import { Code, I32, op, wasmModule } from './wasm_encoder.ts'

/** What the compiler must know of a function; the loader remembers operands' slots while it decodes. */
export interface CompileSource {
  readonly instructions: readonly Instruction[]
  slotOf(operand: Operand): Slot | undefined
  addressOf(operand: Operand): AddressOperand | undefined
  /** Sanitizer on: memory instructions are the interpreter's. */
  readonly sanitize: boolean
}

/** `state` is a cell of two words: warp instructions run (added up), and reserved. */
export type RunFull = (base: number, sharedBase: number, sharedBytes: number, pc: number, limit: number, budget: number) => number
export type RunMasked = (base: number, sharedBase: number, sharedBytes: number, pc: number, limit: number, budget: number, mask: number) => number
export interface Compiled {
  readonly full: RunFull
  readonly masked: RunMasked
  /** Block number of a pc, or -1: entry is possible only where this is not -1. */
  readonly blockOf: Int32Array
  /** Linear address of the counter of warp instructions. */
  readonly counter: number
  /** Forget what allocations instructions touched: at every launch, since memory may have been freed. */
  resetSites(): void
}

/** Above this many instructions compiling costs more than it saves in one launch. */
const maxInstructions = 30000

/** Pcs where a block begins: targets of branches, and both sides of control instructions. */
function leaders(instructions: readonly Instruction[]): number[] {
  const starts = new Set([0])
  instructions.forEach((instruction, pc) => {
    if (instruction.control === null) return
    starts.add(pc).add(pc + 1)
    for (const o of instruction.statement.operands) if (o.kind === 'label') starts.add(o.target)
    for (const target of instruction.targets ?? []) starts.add(target)
  })
  return [...starts].filter((pc) => pc < instructions.length).sort((a, b) => a - b)
}

const emitted: Readonly<Record<string, readonly ((i: Instruction, lanes: MemoryLanes) => boolean)[]>> = (() => {
  const all: Record<string, ((i: Instruction, lanes: MemoryLanes) => boolean)[]> = {}
  for (const table of [integerEmitters, floatEmitters, memoryEmitters]) {
    for (const [opcode, emit] of Object.entries(table)) (all[opcode] ??= []).push((i, lanes) => emit(i.statement, lanes))
  }
  return all
})()

/** A plain branch to a label: what blocks follow without leaving the compiled code. */
function plainBranch(i: Instruction): number | undefined {
  const { opcode, operands } = i.statement
  return opcode === 'bra' && operands.length === 1 && operands[0].kind === 'label' ? operands[0].target : undefined
}

class FunctionCompiler {
  readonly code: Code
  private readonly scratch: { vectors: number[]; words: number[] }
  private readonly next: number
  private readonly count: number
  private readonly guard: number
  private readonly mask: number | null
  private exit = 0
  private dispatch = 0

  constructor(private readonly source: CompileSource, private readonly starts: readonly number[], private readonly counter: number, private readonly site: (index: number) => number, masked: boolean) {
    this.code = new Code(Array.from({ length: masked ? 7 : 6 }, () => I32))
    this.mask = masked ? 6 : null
    this.next = 3
    this.count = this.code.local(I32)
    this.guard = this.code.local(I32)
    this.scratch = scratchLocals(this.code)
  }

  build(tableAt: number): Code {
    const { code, starts } = this
    this.exit = code.block()
    this.dispatch = code.loop()
    // Where another group waits, or the end: leave.
    code.get(this.next).get(4).op(op.i32_ge_u).brIf(this.exit)
    const labels = starts.map(() => code.block()).reverse()
    code.get(this.next).i32(2).op(op.i32_shl).i32Load(tableAt).brTable(labels, this.exit)
    starts.forEach((start, b) => {
      code.end()
      this.block(start, starts[b + 1] ?? this.source.instructions.length)
    })
    code.end() // loop
    code.end() // exit
    code.i32(this.counter).i32(this.counter).i32Load(0).get(this.count).op(op.i32_add).i32Store(0)
    return code.get(this.next)
  }

  private go(pc: number): void { this.code.i32(pc).set(this.next).br(this.dispatch) }

  private block(start: number, end: number): void {
    const { code } = this
    const { instructions } = this.source
    const last = instructions[end - 1]
    code.get(this.count).i32(end - start).op(op.i32_add).set(this.count)
    for (let pc = start; pc < end; pc++) {
      const i = instructions[pc]
      if (i.control === null) { this.instruction(i, pc); continue }
      const target = plainBranch(i)
      if (target === undefined || target >= instructions.length) { this.uncount(1); code.i32(pc).set(this.next).br(this.exit); return }
      this.branch(i, pc, target, start)
      return
    }
    if (last && end < instructions.length) this.fallInto(end)
    else code.i32(end).set(this.next).br(this.exit)
  }

  private uncount(n: number): void { this.code.get(this.count).i32(-n).op(op.i32_add).set(this.count) }

  /** The next block's code follows: go on without the table unless another group stands there. */
  private fallInto(pc: number): void { this.code.i32(pc).set(this.next).get(this.next).get(4).op(op.i32_ge_u).brIf(this.exit) }

  private branch(i: Instruction, pc: number, target: number, start: number): void {
    const { code, mask, guard } = this
    const backward = target <= start
    const jump = () => {
      code.i32(target).set(this.next)
      // A loop leaves when its budget is used up, so that other groups and warps run.
      if (backward) code.get(this.count).get(5).op(op.i32_ge_s).brIf(this.exit)
      code.br(this.dispatch)
    }
    if (!i.guard) { jump(); return }
    this.loadGuard(i)
    // guard holds the lanes that jump: all, none, or a divided warp, which the scheduler splits.
    code.get(guard)
    if (mask === null) code.i32(-1)
    else code.get(mask)
    code.op(op.i32_eq).if()
    jump()
    code.end()
    code.get(guard).op(op.i32_eqz).if()
    this.go(pc + 1)
    code.end()
    this.uncount(1)
    code.i32(pc).set(this.next).br(this.exit)
  }

  private loadGuard(i: Instruction): void {
    const { code, mask } = this
    code.get(0).i32Load(i.guard!.slot)
    if (i.guard!.negate) code.i32(-1).op(op.i32_xor)
    if (mask !== null) code.get(mask).op(op.i32_and)
    code.set(this.guard)
  }

  private instruction(i: Instruction, pc: number): void {
    if (!i.guard) { this.emit(i, pc, this.mask); return }
    this.loadGuard(i)
    this.code.get(this.guard).if()
    this.emit(i, pc, this.guard)
    this.code.end()
  }

  private emit(i: Instruction, pc: number, mask: number | null): void {
    const { code } = this
    const interpret = () => { code.i32(pc); if (mask === null) code.i32(-1); else code.get(mask); code.call(0) }
    const lanes: MemoryLanes = {
      code, base: 0, mask, vectors: this.scratch.vectors, words: this.scratch.words, interpret,
      slotOf: (o) => this.source.slotOf(o), addressOf: (o) => this.source.addressOf(o), sharedBase: 1, sharedBytes: 2, site: () => this.site(pc),
    }
    if (!(i.touchesMemory && this.source.sanitize)) {
      for (const emit of emitted[i.statement.opcode] ?? []) if (emit(i, lanes)) return
    }
    interpret()
  }
}

/**
 * `interpret(pc, mask)` runs instruction pc for the running warp by the interpreter; `touched(pc)` is the allocation it touched,
 * kept for the compiled checks. Returns undefined for functions that are too long.
 */
export function compile(source: CompileSource, memory: Memory, interpret: (pc: number, mask: number) => void): Compiled | undefined {
  const { instructions } = source
  if (instructions.length === 0 || instructions.length > maxInstructions) return undefined
  const starts = leaders(instructions)
  const blockOf = new Int32Array(instructions.length).fill(-1)
  starts.forEach((pc, b) => { blockOf[pc] = b })
  // One reservation: counter, the table pc -> block, and the sites.
  const cells = memory.reserve(16 + 4 * instructions.length + 8 * instructions.length, 16)
  const table = cells + 16
  const sites = table + 4 * instructions.length
  memory.i32.set(blockOf, table >> 2)
  const resetSites = () => { for (let i = 0; i < instructions.length; i++) { memory.u32[(sites >> 2) + 2 * i] = 0xffffffff; memory.u32[(sites >> 2) + 2 * i + 1] = 0 } }
  resetSites()
  const site = (index: number) => sites + 8 * index
  const full = new FunctionCompiler(source, starts, cells, site, false).build(table)
  const masked = new FunctionCompiler(source, starts, cells, site, true).build(table)
  const shared = memory.wasm.buffer.constructor.name === 'SharedArrayBuffer'
  const bytes = wasmModule([{ name: 'interpret', params: [I32, I32], results: [] }], [{ name: 'full', code: full, results: [I32] }, { name: 'masked', code: masked, results: [I32] }], shared)
  const refreshing = (pc: number, mask: number) => { interpret(pc, mask); if (instructions[pc].touchesMemory) refreshSite(memory, site(pc)) }
  const instance = new WebAssembly.Instance(new WebAssembly.Module(bytes as BufferSource), { e: { memory: memory.wasm, interpret: refreshing } })
  return { full: instance.exports.full as RunFull, masked: instance.exports.masked as RunMasked, blockOf, counter: cells, resetSites }
}

/** The instruction's chapter left the last linear address it used in `memory.lastTouched`. */
function refreshSite(memory: Memory, cell: number): void {
  const allocation = memory.allocationAt(memory.lastTouched ?? 0)
  if (!allocation) return
  memory.u32[cell >> 2] = allocation.start
  memory.u32[(cell >> 2) + 1] = allocation.start + allocation.bytes
}
