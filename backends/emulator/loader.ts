// A parsed module in an emulated device: globals in memory, functions decoded by the instruction chapters when first needed.
import { PtxError, type Operand, type PtxFunction, type PtxModule, type Variable } from './ast.ts'
import { StatementContext, type AddressParts } from './decode_context.ts'
import { chapters } from './isa/index.ts'
import { GLOBAL_HIGH, SHARED_HIGH, type Exec, type Instruction, type LoadedFunction, type Memory, type Slot } from './machine.ts'
import { FrameLayout, fillSpecial } from './slots.ts'

export interface DecodedFunction extends LoadedFunction {
  readonly ptx: PtxFunction
  readonly layout: FrameLayout
  readonly operandSlots: ReadonlyMap<Operand, Slot>
  readonly addresses: ReadonlyMap<Operand, AddressParts>
}

const alignUp = (n: number, align: number) => Math.ceil(n / align) * align

export class LoadedModule {
  private readonly places = new Map<Variable, number>()
  private readonly decoded = new Map<string, DecodedFunction>()
  private readonly names: string[] = []
  private readonly kernelParameters = new Set<Variable>()
  /** Bytes of local memory a thread: each function has its own part. */
  localBytes = 0
  /** Static shared memory of the module; extern (dynamic) shared arrays start behind it. */
  staticSharedBytes = 0
  private readonly allocations: number[] = []

  constructor(readonly ptx: PtxModule, readonly memory: Memory) {
    if (ptx.addressSize === 32) throw new PtxError(ptx.file, { line: 1, column: 1 }, '.address_size 32 is not emulated; it must be 64')
    this.names = [...ptx.functions.keys()]
    for (const fn of ptx.functions.values()) {
      if (fn.kind !== 'entry') continue
      let offset = 0
      for (const p of fn.params) {
        offset = alignUp(offset, p.align)
        this.places.set(p, offset)
        this.kernelParameters.add(p)
        offset += p.bytes
      }
    }
    for (const v of ptx.globals) this.placeGlobal(v)
    for (const v of ptx.globals) this.writeInitial(v)
    for (const fn of ptx.functions.values()) for (const v of fn.body?.variables ?? []) if (v.space === 'shared') this.placeShared(v)
    this.staticSharedBytes = alignUp(this.staticSharedBytes, 16)
  }

  private placeGlobal(v: Variable): void {
    if (v.space === 'shared') { this.placeShared(v); return }
    if (v.space !== 'global' && v.space !== 'const') return
    if (v.linking === 'extern' && v.dims[0] === 0) throw new PtxError(this.ptx.file, v.at, `extern .${v.space} ${v.name} is defined in no module`)
    const at = this.memory.allocate(Math.max(1, v.bytes), v.name)
    this.allocations.push(at)
    this.places.set(v, at)
  }

  /** Extern arrays without extent are the dynamic part: placed when all static ones are. */
  private placeShared(v: Variable): void {
    if (v.linking === 'extern' || v.dims[0] === 0) return
    this.staticSharedBytes = alignUp(this.staticSharedBytes, v.align)
    this.places.set(v, this.staticSharedBytes)
    this.staticSharedBytes += v.bytes
  }

  private writeInitial(v: Variable): void {
    const at = this.places.get(v)
    if (!v.init || at === undefined) return
    this.memory.u8.set(v.init.bytes, at)
    for (const r of v.init.relocations) {
      const target = this.ptx.globals.find((g) => g.name === r.target)
      let value: bigint
      if (target) {
        const offset = BigInt(this.place(target, undefined)) + BigInt(r.addend)
        const high = target.space === 'shared' ? (r.generic ? SHARED_HIGH : 0) : GLOBAL_HIGH
        value = (BigInt(high) << 32n) | offset
      } else if (this.ptx.functions.has(r.target)) value = BigInt(this.functionIndex(r.target))
      else throw new PtxError(this.ptx.file, v.at, `${v.name}: ${r.target} is neither a variable nor a function`)
      if (r.shift !== undefined) value = (value >> BigInt(r.shift)) & 0xffn
      for (let i = 0; i < r.bytes; i++) this.memory.u8[at + r.offset + i] = Number((value >> BigInt(8 * i)) & 0xffn)
    }
  }

  isKernelParameter(v: Variable): boolean { return this.kernelParameters.has(v) }

  /** Linear offset of globals; offset in the window of shared, local and parameter variables. */
  place(v: Variable, fn: LoadedFunction | undefined): number {
    const known = this.places.get(v)
    if (known !== undefined) return known
    if (v.space === 'shared') return this.staticSharedBytes
    if ((v.space === 'local' || v.space === 'param') && fn) {
      this.localBytes = alignUp(this.localBytes, Math.max(4, v.align))
      const at = this.localBytes
      this.localBytes += v.bytes
      this.places.set(v, at)
      return at
    }
    throw new PtxError(this.ptx.file, v.at, `${v.name} has no address`)
  }

  /** From 1 on: 0 is no function. */
  functionIndex(name: string): number { return this.names.indexOf(name) + 1 }
  functionAt(index: number): DecodedFunction | undefined { return this.names[index - 1] === undefined ? undefined : this.functionNamed(this.names[index - 1]) }

  functionNamed(name: string): DecodedFunction {
    const known = this.decoded.get(name)
    if (known) return known
    const ptx = this.ptx.functions.get(name)
    if (!ptx?.body) throw new PtxError(this.ptx.file, ptx?.at ?? { line: 1, column: 1 }, ptx ? `function ${name} is declared but not defined` : `there is no function ${name}`)
    const fn = this.decode(ptx)
    this.decoded.set(name, fn)
    return fn
  }

  private decode(ptx: PtxFunction): DecodedFunction {
    const layout = new FrameLayout()
    const instructions: Instruction[] = []
    const found = { operands: new Map<Operand, Slot>(), addresses: new Map<Operand, AddressParts>() }
    const { memory } = this
    const fn: DecodedFunction = {
      name: ptx.name, ptx, layout, instructions, operandSlots: found.operands, addresses: found.addresses,
      get frameBytes() { return layout.bytes },
      fillConstants: (warp, base) => layout.fill(memory, warp, base),
      local: { bytes: 0, offsetOf: () => undefined },
    }
    for (const s of ptx.body!.statements) {
      const decoder = find(s.opcode, s.modifiers) ?? ((): never => { throw new PtxError(this.ptx.file, s.at, `unknown instruction ${s.opcode}`) })()
      const ctx = new StatementContext(this, layout, fn, s, found, ptx.body!.branchTables)
      const decoded = decoder(s, ctx)
      ctx.modifiers.done()
      const guard = s.guard ? { slot: layout.register(s.guard.variable, null), negate: s.guard.negate } : null
      instructions.push({
        statement: s, name: ctx.name, guard, exec: withRefresh(decoded.exec, ctx, memory), control: decoded.control ?? null, targets: decoded.targets,
        reads: ctx.reads, writes: ctx.writes, slots: ctx.slots, touchesMemory: decoded.touchesMemory ?? false, tensorFlop: decoded.tensorFlop,
      })
    }
    return fn
  }

  unload(): void { for (const at of this.allocations) this.memory.deallocate(at) }
}

/** The chapter entry of an opcode (see isa/index.ts for its keys). */
function find(opcode: string, modifiers: readonly string[]) {
  const typed = chapters.get(`${opcode} ${modifiers.at(-1)}`)
  if (typed) return typed
  for (let n = modifiers.length; n >= 0; n--) {
    const decoder = chapters.get([opcode, ...modifiers.slice(0, n)].join('.'))
    if (decoder) return decoder
  }
  return undefined
}

/** Clocks are read again just before the instruction runs. */
function withRefresh(exec: Exec | undefined, ctx: StatementContext, memory: Memory): Exec | null {
  if (!exec) return null
  if (!ctx.refresh.length) return exec
  return (warp, mask) => {
    for (const r of ctx.refresh) fillSpecial(memory, warp, warp.base + r.slot, r.wide, r.value)
    exec(warp, mask)
  }
}
