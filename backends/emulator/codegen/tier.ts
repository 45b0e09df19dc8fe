// Compiled code at work: functions that got hot are compiled and entered in place of the interpreter, which runs what they leave.
import type { DecodedFunction } from '../image.ts'
import type { Group, Machine, Memory, Warp } from '../machine.ts'
import { popcount } from '../diagnostics.ts'
import { AccessFunctions, nameOf } from './access.ts'
import { cell, cellBytes, ownBytes, siteAt } from './cells.ts'
import { compile, unlimited, type Run } from './compile.ts'
import { hasSimd, supportFunctions } from './support.ts'

/** Warp instructions that the interpreter runs of a function before compiling it pays, beside this many for each of its own. */
const heatToCompile = { fixed: 2000, each: 20 }

/** What compiled code of one memory shares. */
interface Host { readonly cells: number; readonly accesses: AccessFunctions; readonly shared: boolean }
const hosts = new WeakMap<Memory, Host>()
function hostOf(memory: Memory): Host {
  let host = hosts.get(memory)
  if (!host) {
    const cells = memory.reserve(cellBytes, 16)
    const shared = typeof SharedArrayBuffer !== 'undefined' && memory.wasm.buffer instanceof SharedArrayBuffer
    hosts.set(memory, (host = { cells, shared, accesses: new AccessFunctions(memory.wasm, cells, shared) }))
  }
  return host
}

const constant = (value: number) => new WebAssembly.Global({ value: 'i32', mutable: false }, value)

/** One function, compiled for one machine. */
export class CompiledFunction {
  /** 1 where `enter` may begin. */
  readonly entry: Uint8Array
  private readonly run: Run
  private warp!: Warp
  private lanes = 0
  private executedBefore = 0

  private constructor(private readonly fn: DecodedFunction, readonly machine: Machine, private readonly host: Host, private readonly own: number, entries: readonly number[],
    link: (interpret: (pc: number, mask: number, count: number) => void) => Run) {
    this.entry = new Uint8Array(fn.instructions.length + 1)
    for (const pc of entries) this.entry[pc] = 1
    this.run = link((pc, mask, count) => this.interpret(pc, mask, count))
  }

  /** undefined: nothing of it would run compiled. */
  static of(fn: DecodedFunction, machine: Machine): CompiledFunction | undefined {
    const { memory } = machine
    const host = hostOf(memory)
    const { instructions } = fn
    const compiled = compile({
      instructions, sanitize: machine.sanitizer !== null, early: machine.options.async === 'early',
      // The decoder saw a copy of a negated predicate.
      slotOf: (o) => (o.kind === 'reg' && o.negate ? fn.layout.register(o.variable, o.component) : fn.operandSlots.get(o)), addressOf: (o) => fn.addresses.get(o), constantAt: (slot) => fn.layout.constantAt(slot),
    }, host.shared)
    if (!compiled) return undefined
    const own = memory.reserve(ownBytes(instructions.length))
    memory.i32.set(compiled.table, own >> 2)
    return new CompiledFunction(fn, machine, host, own, compiled.entries, (interpret) => {
      const imports = {
        memory: memory.wasm, cells: constant(host.cells), own: constant(own), interpret, ...supportFunctions(),
        ...Object.fromEntries(compiled.shapes.map((s) => [nameOf(s), host.accesses.get(s)])),
      }
      return new WebAssembly.Instance(new WebAssembly.Module(compiled.bytes as BufferSource), { e: imports }).exports.run as Run
    })
  }

  /** Memory may have been freed since: forget which allocations instructions touched. */
  forget(): void {
    const { length } = this.fn.instructions
    this.machine.memory.u8.fill(0, this.own + siteAt(length, 0), this.own + ownBytes(length))
  }

  /**
   * Runs group g from its pc, an entry, and moves it as far as compiled code goes: at most `budget` warp instructions, not past
   * `limit`, at most `turns` backward branches. Returns the budget left.
   */
  enter(warp: Warp, g: Group, budget: number, limit: number, turns: number, most: number): number {
    const { machine, host: { cells } } = this
    const { u32 } = machine.memory
    this.warp = warp
    this.lanes = popcount(g.mask)
    this.executedBefore = machine.executed
    const at = cells >> 2
    const { cta } = warp
    u32[at + cell.sharedBase / 4] = cta.sharedBase
    u32[at + cell.sharedBytes / 4] = cta.sharedBytes
    u32[at + cell.localBase / 4] = warp.localBase
    u32[at + cell.localStride / 4] = warp.localStride
    u32[at + cell.paramBase / 4] = cta.launch.paramBase
    u32[at + cell.skipped / 4] = 0
    // No instruction may begin that the launch has no more room for: the interpreter tells of that one.
    const room = Math.min(budget, Math.floor((most - machine.executed) / this.lanes))
    g.pc = this.run(g.frame.base, g.pc, Math.min(limit, unlimited), room, g.mask, Math.min(turns, unlimited))
    // An instruction of the interpreter may have made the memory grow.
    const { i32 } = machine.memory
    const done = i32[at + cell.count / 4]
    machine.executed = this.executedBefore + done * this.lanes - i32[at + cell.skipped / 4]
    g.turns = (g.turns ?? 0) + i32[at + cell.turns / 4]
    return budget - done
  }

  /** One instruction by the interpreter; `count`: warp instructions begun in this run, it included. */
  private interpret(pc: number, mask: number, count: number): void {
    const { machine, warp, fn } = this
    const i = fn.instructions[pc]
    warp.current = i
    warp.group.pc = pc
    machine.executed = this.executedBefore + count * this.lanes - machine.memory.i32[(this.host.cells + cell.skipped) >>> 2]
    i.exec!(warp, mask)
    if (i.touchesMemory && machine.sanitizer === null) this.remember(pc)
  }

  /** The instruction's chapter left the last global address it used in `memory.lastTouched`. */
  private remember(pc: number): void {
    const { memory } = this.machine
    const allocation = memory.allocationAt(memory.lastTouched ?? 0)
    if (!allocation) return
    const at = (this.own + siteAt(this.fn.instructions.length, pc)) >>> 2
    memory.u32[at] = allocation.start
    memory.u32[at + 1] = allocation.start + allocation.bytes
  }

  release(): void { this.machine.memory.release(this.own) }
}

/** Called with warp instructions that the interpreter ran of a function; compiles it when they are enough. */
export function warm(fn: DecodedFunction, machine: Machine, instructions: number): void {
  if (fn.heat === -Infinity) return
  fn.heat += instructions
  if (fn.heat < heatToCompile.fixed + heatToCompile.each * fn.instructions.length) return
  fn.heat = -Infinity
  if (hasSimd()) fn.compiled = CompiledFunction.of(fn, machine) ?? null
}
