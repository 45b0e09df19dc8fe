// Compiles a function's instructions to one WebAssembly module: basic blocks behind a `br_table` in a loop, registers in memory.
// Consecutive lane-wise instructions of a block are a function of their own (strip.ts), loads and stores call access functions
// (access.ts), and what has no emitter calls the interpreter. `run` goes on from a block's first pc until a control instruction
// other than an undivided branch, a block that `limit` (where another group of the warp stands) or the budget would cut, or
// enough backward branches; it returns the pc it stopped at. So it stops where the interpreter can go on as if it had run all.
import type { Operand } from '../ast.ts'
import type { Instruction, Slot } from '../machine.ts'
import { accessParams, nameOf, type AnyShape } from './access.ts'
import { cell, globals, interpretImport, siteAt } from './cells.ts'
import { bitPlanners } from './emit_bits.ts'
import { convertPlanners } from './emit_convert.ts'
import { floatPlanners } from './emit_float.ts'
import { integerPlanners } from './emit_integer.ts'
import { accessOf, copyOf, parameterLoad, shuffleOf, waitsForCopies, type Access, type AddressOperand } from './emit_memory.ts'
import { movePlanners } from './emit_move.ts'
import { Operands, type Emit, type Planner } from './plan.ts'
import { Strip, type Constant, type Guarded } from './strip.ts'
import { firstSupport, supportImports } from './support.ts'
import { Code, I32, op, wasmModule, type ImportedFunction, type ExportedFunction } from './wasm_encoder.ts'

/** What the compiler must know of a function; the loader remembers operands' slots while it decodes. */
export interface CompileSource {
  readonly instructions: readonly Instruction[]
  slotOf(operand: Operand): Slot | undefined
  addressOf(operand: Operand): AddressOperand | undefined
  constantAt(slot: Slot): Constant | undefined
  /** Sanitizer on: memory instructions and shuffles are the interpreter's. */
  readonly sanitize: boolean
  /** Asynchronous work lands when it is issued. */
  readonly early: boolean
}

/** Stops when `turns` backward branches are taken. Leaves what was done in the cells `count` and `turns`. */
export type Run = (base: number, pc: number, limit: number, budget: number, mask: number, turns: number) => number
export interface CompiledCode {
  readonly bytes: Uint8Array
  /** Access functions that it imports by name. */
  readonly shapes: readonly AnyShape[]
  /** Number of the block that begins at a pc, or -1: what stands at the global `own`. */
  readonly table: Int32Array
  /** Pcs at which `run` may be entered. */
  readonly entries: readonly number[]
  /** Share of instructions that run without the interpreter. */
  readonly share: number
}

const [BASE, PC, LIMIT, BUDGET, MASK, TURNS] = [0, 1, 2, 3, 4, 5]

const planners: ReadonlyMap<string, readonly Planner[]> = (() => {
  const all = new Map<string, Planner[]>()
  for (const table of [integerPlanners, bitPlanners, movePlanners, floatPlanners, convertPlanners]) {
    for (const [opcode, planner] of Object.entries(table)) all.set(opcode, [...all.get(opcode) ?? [], planner])
  }
  return all
})()

/** Of instructions that a divided warp runs here for the lanes that did not branch over them. */
const longestSkip = 64
/** No bound on backward branches: no other group of the warp. */
export const unlimited = 0x7fffffff

/** A plain branch to a label: what blocks follow without leaving the compiled code. */
function plainBranch({ statement: { opcode, operands, modifiers } }: Instruction): number | undefined {
  if (opcode !== 'bra' || operands.length !== 1 || modifiers.some((m) => m !== 'uni')) return undefined
  return operands[0].kind === 'label' ? operands[0].target : undefined
}

type Step = { readonly kind: 'strip'; readonly emit: Emit } | { readonly kind: 'access'; readonly access: Access } | { readonly kind: 'shuffle'; readonly code: Code } | { readonly kind: 'end' } | { readonly kind: 'interpret' }

/** Clocks are read anew by each instruction that names them. */
const readsClock = (o: Operand): boolean => o.kind === 'special' && /^%(clock|globaltimer)/.test(o.name)

function stepOf(i: Instruction, source: CompileSource): Step | undefined {
  const { statement: s } = i
  const o = new Operands(s, source.slotOf)
  const plain = !source.sanitize
  if (plain && source.early && waitsForCopies(s)) return { kind: 'strip', emit: () => { /* all have landed */ } }
  if (i.control !== null) {
    // Mostly no lane ends here: the bounds check at a kernel's beginning.
    if (i.guard !== null && /^(ret|exit|trap)$/.test(s.opcode)) return { kind: 'end' }
    const code = plain ? shuffleOf(s, o) : undefined
    return code && { kind: 'shuffle', code }
  }
  if (s.operands.some(readsClock)) return { kind: 'interpret' }
  const parameter = parameterLoad(s, o, source.addressOf, source.constantAt)
  if (parameter) return { kind: 'strip', emit: parameter }
  if (s.opcode === 'ld' || s.opcode === 'st' || s.opcode === 'cp') {
    const access = !plain ? undefined : s.opcode !== 'cp' ? accessOf(s, o, source.addressOf) : source.early ? copyOf(s, o, source.addressOf) : undefined
    return access ? { kind: 'access', access } : { kind: 'interpret' }
  }
  for (const planner of planners.get(s.opcode) ?? []) {
    const emit = planner(s, o)
    if (emit) return { kind: 'strip', emit }
  }
  return { kind: 'interpret' }
}

class FunctionCompiler {
  readonly functions: ExportedFunction[] = []
  readonly shapes: readonly AnyShape[]
  private readonly steps: readonly (Step | undefined)[]
  private readonly starts: readonly number[]
  private readonly code = new Code([I32, I32, I32, I32, I32, I32])
  private readonly count = this.code.local(I32)
  private readonly guard = this.code.local(I32)
  private readonly turned = this.code.local(I32)
  private readonly skipped = this.code.local(I32)
  private readonly staying = this.code.local(I32)
  private readonly leaving = this.code.local(I32)
  /** The local with the lanes that run: all of the group's, or those that did not branch over a few instructions. */
  private lanes: number = MASK
  private skipFrom = 0
  private exit = 0
  private dispatch = 0

  constructor(private readonly source: CompileSource) {
    this.steps = source.instructions.map((i) => stepOf(i, source))
    this.starts = this.leaders()
    const accesses = this.steps.flatMap((step) => (step?.kind === 'access' ? [step.access.shape] : []))
    this.shapes = [...new Map(accesses.map((shape) => [nameOf(shape), shape])).values()]
  }

  /** Entry points: beginnings of blocks whose first instruction runs here. */
  get entries(): readonly number[] { return this.starts.filter((pc) => this.runs(pc)) }
  get table(): Int32Array {
    const blocks = new Int32Array(this.steps.length).fill(-1)
    this.starts.forEach((pc, b) => { blocks[pc] = b })
    return blocks
  }
  get share(): number { return this.steps.filter((s, pc) => this.runs(pc) && s?.kind !== 'interpret').length / this.steps.length }

  private runs(pc: number): boolean { return this.steps[pc] !== undefined || this.target(pc) !== undefined }
  private target(pc: number): number | undefined {
    // A function without instructions still has an entry.
    const i = this.source.instructions[pc]
    const at = i === undefined ? undefined : plainBranch(i)
    return at !== undefined && at < this.steps.length ? at : undefined
  }

  /** Targets of branches, and both sides of control instructions that are not done here. */
  private leaders(): number[] {
    const { instructions } = this.source
    const starts = new Set([0])
    instructions.forEach((i, pc) => {
      if (i.control === null || this.steps[pc] !== undefined) return
      starts.add(pc + 1)
      if (this.target(pc) === undefined) starts.add(pc)
      for (const o of i.statement.operands) if (o.kind === 'label') starts.add(o.target)
      for (const target of i.targets ?? []) starts.add(target)
    })
    return [...starts].filter((pc) => pc < instructions.length).sort((a, b) => a - b)
  }

  build(): Code {
    const { code, starts } = this
    this.exit = code.block()
    this.dispatch = code.loop()
    const labels = starts.map(() => code.block()).reverse()
    code.global(1).get(PC).i32(2).op(op.i32_shl).op(op.i32_add).i32Load(0).brTable(labels, this.exit)
    starts.forEach((start, b) => {
      code.end()
      this.block(start, starts[b + 1] ?? this.steps.length)
    })
    code.end() // loop
    code.end() // exit
    code.global(0).get(this.count).i32Store(cell.count).global(0).get(this.skipped).i32Store(cell.skipped).global(0).get(this.turned).i32Store(cell.turns)
    return code.get(PC)
  }

  /** Before instruction pc of a block that ends at `end` and was counted as a whole. */
  private leaveFrom(pc: number, end: number): void {
    this.code.get(this.count).i32(end - pc).op(op.i32_sub).set(this.count)
    this.leaveAt(pc)
  }
  private leaveAt(pc: number): void { this.code.i32(pc).set(PC).br(this.exit) }

  private block(start: number, end: number): void {
    const { code } = this
    if (!this.runs(start)) { this.leaveAt(start); return }
    // A block that branches to its own start is a loop of its own.
    const branch = this.target(end - 1)
    const again = branch === start ? code.loop() : undefined
    code.i32(start).set(PC)
    code.get(LIMIT).i32(end).op(op.i32_lt_s).brIf(this.exit)
    code.get(BUDGET).get(this.count).i32(end - start).op(op.i32_add).tee(this.count).op(op.i32_lt_s).if()
    code.get(this.count).i32(end - start).op(op.i32_sub).set(this.count).br(this.exit)
    code.end()
    const last = branch === undefined ? end : end - 1
    for (let pc = start; pc < last;) pc = this.emit(pc, end)
    if (branch !== undefined) this.branch(end - 1, branch, again)
    else if (end < this.steps.length) this.fallInto(end)
    else this.leaveAt(end)
    if (again !== undefined) code.end()
  }

  /** The next block's code follows: it checks its own limit and budget. */
  private fallInto(pc: number): void { if (!this.runs(pc)) this.leaveAt(pc) }

  private branch(pc: number, target: number, again: number | undefined): void {
    const { code, guard, turned } = this
    const jump = () => {
      code.i32(target).set(PC)
      if (target <= pc) code.get(turned).i32(1).op(op.i32_add).tee(turned).get(TURNS).op(op.i32_ge_u).brIf(this.exit)
      code.br(again ?? this.dispatch)
    }
    const i = this.source.instructions[pc]
    if (!i.guard) { jump(); return }
    this.loadGuard(i)
    // All active lanes jump, none, or the warp divides: then the scheduler takes the branch.
    code.get(guard).if()
    code.get(guard).get(MASK).op(op.i32_eq).if()
    jump()
    code.end()
    if (this.isShortSkip(pc, target)) this.shortSkip(pc, target)
    code.get(this.count).i32(1).op(op.i32_sub).set(this.count)
    this.leaveAt(pc)
    code.end()
    if (pc + 1 >= this.steps.length) this.leaveAt(pc + 1)
    else this.fallInto(pc + 1)
  }

  /** A forward branch over lane-wise instructions and accesses. */
  private isShortSkip(pc: number, target: number): boolean {
    return target > pc + 1 && target - pc <= longestSkip && this.steps.slice(pc + 1, target).every((s) => s?.kind === 'strip' || s?.kind === 'access')
  }

  /**
   * The lanes that do not jump run what lies between, then all go on at the target: what the scheduler would do, which takes the
   * lowest pc first and merges groups that meet. Only of a warp that was whole, and if nothing ends before.
   */
  private shortSkip(pc: number, target: number): void {
    const { code, count, guard, staying, leaving, skipped } = this
    const length = target - pc - 1
    code.get(TURNS).i32(unlimited).op(op.i32_eq).get(LIMIT).i32(target).op(op.i32_ge_s).op(op.i32_and)
    code.get(count).i32(length).op(op.i32_add).get(BUDGET).op(op.i32_le_s).op(op.i32_and).if()
    code.get(guard).i32(-1).op(op.i32_xor).get(MASK).op(op.i32_and).set(staying)
    code.get(guard).op(op.i32_popcnt).set(leaving)
    code.get(count).i32(length).op(op.i32_add).set(count)
    this.lanes = staying
    this.skipFrom = pc + 1
    for (let next = pc + 1; next < target;) next = this.emit(next, target)
    this.lanes = MASK
    code.get(skipped).get(leaving).i32(length).op(op.i32_mul).op(op.i32_add).set(skipped)
    code.global(0).get(skipped).i32Store(cell.skipped)
    code.i32(target).set(PC).br(this.dispatch)
    code.end()
  }

  private loadGuard(i: Instruction): void {
    const { code } = this
    code.get(BASE).i32Load(i.guard!.slot)
    if (i.guard!.negate) code.i32(-1).op(op.i32_xor)
    code.get(this.lanes).op(op.i32_and).set(this.guard)
  }

  /** Emits instruction pc, or a strip from it on; returns the pc behind. */
  private emit(pc: number, end: number): number {
    const step = this.steps[pc]!
    const { code } = this
    if (step.kind === 'strip') return this.strip(pc, end)
    const i = this.source.instructions[pc]
    if (step.kind === 'end') {
      this.loadGuard(i)
      code.get(this.guard).if()
      this.leaveFrom(pc, end)
      code.end()
      return pc + 1
    }
    const begun = () => code.get(this.count).i32(end - 1 - pc).op(op.i32_sub)
    if (step.kind === 'shuffle') {
      // Only of whole warps: else the scheduler sees who is missing.
      code.get(MASK).i32(-1).op(op.i32_ne).if()
      this.leaveFrom(pc, end)
      code.end()
      this.call(step.code)
      return pc + 1
    }
    const [mask, guarded] = i.guard ? [this.guard, true] : [this.lanes, false]
    if (guarded) { this.loadGuard(i); code.get(mask).if() }
    if (step.kind === 'access') { this.access(step.access, pc, mask); code.op(op.i32_eqz).if() }
    if (this.lanes !== MASK) {
      // Of the skipped part so far: what the interpreter counts.
      code.global(0).get(this.skipped).get(this.leaving).i32(pc + 1 - this.skipFrom).op(op.i32_mul).op(op.i32_add).i32Store(cell.skipped)
    }
    code.i32(pc).get(mask)
    begun()
    code.call(0)
    if (step.kind === 'access') code.end()
    if (guarded) code.end()
    return pc + 1
  }

  private strip(pc: number, end: number): number {
    const all: Guarded[] = []
    let next = pc
    for (; next < end; next++) {
      const step = this.steps[next]
      if (step?.kind !== 'strip') break
      all.push({ guard: this.source.instructions[next].guard, emit: step.emit })
    }
    const functions = Strip.build(all, (slot) => this.source.constantAt(slot), this.nextIndex)
    for (const code of functions.slice(0, -1)) this.functions.push({ name: null, code, results: [] })
    this.call(functions[functions.length - 1], 3)
    return next
  }

  /** Own functions follow `run`, which follows the imports. */
  private get nextIndex(): number { return this.firstAccess + this.shapes.length + 1 + this.functions.length }
  /** Calls a function of (frame, mask, zeros) that is emitted beside `run`. */
  private call(own: Code, zeros = 0): void {
    const index = this.nextIndex
    this.functions.push({ name: null, code: own, results: [] })
    this.code.get(BASE).get(this.lanes)
    for (let i = 0; i < zeros; i++) this.code.i32(0)
    this.code.call(index)
  }
  private readonly firstAccess = firstSupport + supportImports.length

  private access({ shape, address, values }: Access, pc: number, mask: number): void {
    const { code } = this
    const at = (slot: Slot) => code.get(BASE).i32(slot).op(op.i32_add)
    at(address.slot)
    code.i32(address.offset).get(mask).global(1).i32(siteAt(this.steps.length, pc)).op(op.i32_add)
    for (let i = 0; i < 4; i++) {
      const value = values[i]
      if (value && 'slot' in value) at(value.slot)
      else code.i32(value?.word ?? 0)
    }
    code.call(this.firstAccess + this.shapes.findIndex((s) => nameOf(s) === nameOf(shape)))
  }
}

/** Above this many instructions compiling costs more than it saves. */
const maxInstructions = 30000

/** Returns undefined for functions that are too long, or of which nothing would run here. `shared`: the memory is. */
export function compile(source: CompileSource, shared: boolean): CompiledCode | undefined {
  if (source.instructions.length > maxInstructions) return undefined
  const compiler = new FunctionCompiler(source)
  const { entries, shapes, share } = compiler
  if (entries.length === 0) return undefined
  const run = compiler.build()
  const imports: ImportedFunction[] = [interpretImport, ...supportImports, ...shapes.map((s) => ({ name: nameOf(s), params: accessParams, results: [I32] as const }))]
  return { bytes: wasmModule(imports, [{ name: 'run', code: run, results: [I32] }, ...compiler.functions], shared, globals), shapes, table: compiler.table, entries, share }
}

