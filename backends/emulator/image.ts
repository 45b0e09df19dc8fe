// One entry with the functions it calls, decoded: shared memory is laid out for each entry on its own, as the assembler does.
import { PtxError, type Operand, type PtxFunction, type Statement, type Variable } from './ast.ts'
import { StatementContext, type AddressParts } from './decode_context.ts'
import type { Decoded, Decoder } from './decode.ts'
import type { CompiledFunction } from './codegen/tier.ts'
import { chapters } from './isa/index.ts'
import type { Instruction, LoadedFunction, Memory, Slot, SlotUse, Warp } from './machine.ts'
import type { LoadedModule } from './loader.ts'
import { blocksTalk } from './talk.ts'
import { FrameLayout, fillSpecial } from './slots.ts'

export interface DecodedFunction extends LoadedFunction {
  readonly ptx: PtxFunction
  readonly image: EntryImage
  readonly layout: FrameLayout
  readonly operandSlots: ReadonlyMap<Operand, Slot>
  readonly addresses: ReadonlyMap<Operand, AddressParts>
  /** Register files of ended activations, to be used again. */
  readonly freeFrames: number[]
  /** Warp instructions that the interpreter ran of it, and what it was compiled to; null: nothing of it can be. */
  heat: number
  /** Registers that are read before they are written; found when first needed, null: not yet. */
  zeros: readonly SlotUse[] | undefined | null
  compiled: CompiledFunction | null
  /** Grows while the function is decoded. */
  readonly local: { bytes: number; offsetOf(name: string): number | undefined }
}

const keptFrames = 64

export const alignUp = (n: number, align: number): number => Math.ceil(n / align) * align

/** Loops on memory that others write: such code needs them to run soon (see launch.ts). */
const looksAgain = (s: Statement): boolean =>
  s.opcode === 'nanosleep' || (s.opcode === 'atom') || (s.opcode === 'mbarrier' && /^(test|try)_wait$/.test(s.modifiers[0] ?? ''))
  || (s.opcode === 'ld' && s.modifiers.some((m) => /^(volatile|acquire|relaxed|cv|cg|mmio)$/.test(m)))

export class EntryImage {
  /** Bytes before the dynamic part. */
  readonly staticSharedBytes: number
  readonly entry: DecodedFunction
  /** It, or what it calls, may spin on memory. */
  readonly spins: boolean
  /** Blocks of one launch may see what others do (talk.ts). */
  readonly talks: boolean
  /** Of the last launch. */
  instructionsPerBlock = 0
  private readonly shared = new Map<Variable, number>()
  private readonly local = new Map<Variable, number>()
  private readonly decoded = new Map<string, DecodedFunction>()

  private readonly reached: readonly PtxFunction[]

  constructor(readonly module: LoadedModule, name: string) {
    const reached = this.reached = module.reachableFrom(name)
    this.talks = blocksTalk(reached)
    this.spins = reached.some((fn) => fn.body!.statements.some(looksAgain))
    this.staticSharedBytes = this.layShared(module.sharedOf(reached))
    this.entry = this.functionNamed(name)
  }

  /** Names of the entry and of all that it may call, decoded. */
  decodeAll(): string[] { return this.reached.map((fn) => this.functionNamed(fn.name).name) }

  get ptx() { return this.module.ptx }
  get memory(): Memory { return this.module.memory }

  /** Arrays without extent all begin behind the static ones, at the strictest alignment of theirs. */
  private layShared(variables: readonly Variable[]): number {
    let bytes = 0
    const dynamic = variables.filter((v) => v.dims[0] === 0)
    for (const v of variables) {
      if (v.dims[0] === 0) continue
      bytes = alignUp(bytes, v.align)
      this.shared.set(v, bytes)
      bytes += v.bytes
    }
    bytes = alignUp(bytes, dynamic.reduce((most, v) => Math.max(most, v.align), 1))
    for (const v of dynamic) this.shared.set(v, bytes)
    return bytes
  }

  /** Linear offset of globals; offset in the window of shared and parameter variables; in the function's part of local memory. */
  place(v: Variable, fn: LoadedFunction | undefined): number {
    if (v.space === 'shared') return this.shared.get(v) ?? this.fail(v, 'has no address')
    const known = this.module.placeOf(v) ?? this.local.get(v)
    if (known !== undefined) return known
    if ((v.space !== 'local' && v.space !== 'param') || !fn) return this.fail(v, 'has no address')
    const { local } = fn as DecodedFunction
    const at = alignUp(local.bytes, Math.max(4, v.align))
    local.bytes = at + v.bytes
    this.local.set(v, at)
    return at
  }

  private fail(v: Variable, problem: string): never { throw new PtxError(this.ptx.file, v.at, `${v.name} ${problem}`) }

  isKernelParameter(v: Variable): boolean { return this.module.isKernelParameter(v) }
  functionIndex(name: string): number { return this.module.functionIndex(name) }
  functionAt(index: number): DecodedFunction | undefined {
    const name = this.module.functionName(index)
    return name === undefined ? undefined : this.functionNamed(name)
  }

  functionNamed(name: string): DecodedFunction {
    const known = this.decoded.get(name)
    if (known) return known
    const fn = this.decode(this.module.definition(name))
    this.decoded.set(name, fn)
    return fn
  }

  private decode(ptx: PtxFunction): DecodedFunction {
    const layout = new FrameLayout()
    const instructions: Instruction[] = []
    const found = { operands: new Map<Operand, Slot>(), addresses: new Map<Operand, AddressParts>() }
    const { memory } = this
    const fn: DecodedFunction = {
      name: ptx.name, ptx, image: this, layout, instructions, operandSlots: found.operands, addresses: found.addresses, freeFrames: [], heat: 0, zeros: null, compiled: null,
      get frameBytes() { return layout.bytes },
      fillConstants: (warp, base) => layout.fill(memory, warp, base),
      local: { bytes: 0, offsetOf: (name) => { const v = [...ptx.params, ...ptx.returns].find((p) => p.name === name); return v && this.local.get(v) } },
    }
    // Formal parameters have their places before the first call is decoded, which may be of the function itself.
    if (ptx.kind === 'func') for (const v of [...ptx.params, ...ptx.returns]) if (v.space === 'reg') layout.register(v, null); else this.place(v, fn)
    const finish = new Set<NonNullable<Decoded['finish']>>()
    for (const s of ptx.body!.statements) instructions.push(this.instruction(s, fn, layout, found, finish))
    for (const f of finish) f(fn, instructions)
    return fn
  }

  private instruction(s: Statement, fn: DecodedFunction, layout: FrameLayout, found: { operands: Map<Operand, Slot>; addresses: Map<Operand, AddressParts> }, finish: Set<NonNullable<Decoded['finish']>>): Instruction {
    const decoder = find(s.opcode, s.modifiers)
    if (!decoder) throw new PtxError(this.ptx.file, s.at, `unknown instruction ${s.opcode}`)
    const ctx = new StatementContext(this, layout, fn, s, found)
    const decoded = decoder(s, ctx)
    ctx.modifiers.done()
    if (decoded.finish) finish.add(decoded.finish)
    const guard = s.guard ? { slot: layout.register(s.guard.variable, null), negate: s.guard.negate } : null
    return {
      statement: s, name: ctx.name, guard, exec: refreshed(decoded.exec, ctx, this.memory) ?? null, control: refreshed(decoded.control, ctx, this.memory) ?? null,
      targets: decoded.targets, reads: ctx.reads, writes: ctx.writes, slots: ctx.slots, touchesMemory: decoded.touchesMemory ?? false, tensorFlop: decoded.tensorFlop,
    }
  }

  /** Before a launch: memory may have been freed since the last one. */
  forget(): void { for (const fn of this.decoded.values()) fn.compiled?.forget() }

  /** Between launches: keeps some register files for the next one, frees the others. */
  trim(): void {
    for (const fn of this.decoded.values()) for (const base of fn.freeFrames.splice(keptFrames)) this.memory.release(base)
  }

  /** Frees what the functions hold in memory; none of them may be running. */
  release(): void {
    for (const fn of this.decoded.values()) {
      for (const base of fn.freeFrames.splice(0)) this.memory.release(base)
      fn.layout.release(this.memory)
      fn.compiled?.release()
      fn.compiled = null
    }
  }
}

/** The chapter entry of an opcode (see isa/index.ts for its keys). */
function find(opcode: string, modifiers: readonly string[]): Decoder | undefined {
  const typed = chapters.get(`${opcode} ${modifiers.at(-1)}`)
  if (typed) return typed
  for (let n = modifiers.length; n >= 0; n--) {
    const decoder = chapters.get([opcode, ...modifiers.slice(0, n)].join('.'))
    if (decoder) return decoder
  }
  return undefined
}

/** Clocks are read again just before the instruction runs. */
function refreshed<F extends (warp: Warp, ...rest: never[]) => unknown>(run: F | undefined, ctx: StatementContext, memory: Memory): F | undefined {
  if (!run || !ctx.refresh.length) return run
  const changing = ctx.refresh
  return ((warp: Warp, ...rest: never[]) => {
    for (const r of changing) fillSpecial(memory, warp, warp.base + r.slot, r.wide, r.value)
    return run(warp, ...rest)
  }) as F
}
