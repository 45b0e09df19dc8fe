// A parsed module in an emulated device: globals in memory with their initial contents; entries decoded when first needed.
import { PtxError, type Operand, type PtxFunction, type PtxModule, type Variable } from './ast.ts'
import { EntryImage, alignUp, type DecodedFunction } from './image.ts'
import { GLOBAL_HIGH, SHARED_HIGH, type Memory } from './machine.ts'

export type { DecodedFunction } from './image.ts'

/** A kernel's parameters as they lie in its parameter block. */
export interface ParameterBlock { readonly params: readonly { readonly name: string; readonly offset: number; readonly bytes: number }[]; readonly bytes: number }

export class LoadedModule {
  private readonly places = new Map<Variable, number>()
  private readonly kernelParameters = new Set<Variable>()
  private readonly parameters = new Map<string, ParameterBlock>()
  private readonly images = new Map<string, EntryImage>()
  private readonly names: readonly string[]
  private readonly allocations: number[] = []

  /** `places`: where another thread has put the global variables, with their contents; this one only uses them. */
  constructor(readonly ptx: PtxModule, readonly memory: Memory, private readonly given?: readonly number[]) {
    this.names = [...ptx.functions.keys()]
    for (const fn of ptx.functions.values()) {
      if (fn.kind !== 'entry') continue
      let bytes = 0
      const params = fn.params.map((p) => {
        const offset = alignUp(bytes, p.align)
        this.places.set(p, offset)
        this.kernelParameters.add(p)
        bytes = offset + p.bytes
        return { name: p.name, offset, bytes: p.bytes }
      })
      this.parameters.set(fn.name, { params, bytes })
    }
    try { this.load() } catch (error) {
      this.unload()
      throw error
    }
  }

  private load(): void {
    const { ptx } = this
    // A function's own .global and .const variables live as long as the module.
    const all = [...ptx.globals, ...[...ptx.functions.values()].flatMap((fn) => fn.body?.variables ?? [])].filter((v) => v.space === 'global' || v.space === 'const')
    if (this.given) all.forEach((v, i) => this.places.set(v, this.given![i]))
    else {
      for (const v of all) this.placeGlobal(v)
      for (const v of all) this.writeInitial(v)
    }
    this.decodeAll()
  }

  /** Everything is decoded once, so that what is wrong in a function that nobody calls is told too. */
  private decodeAll(): void {
    const seen = new Set<string>()
    const decode = (image: EntryImage) => { for (const name of image.decodeAll()) seen.add(name) }
    const defined = [...this.ptx.functions.values()].filter((fn) => fn.body)
    for (const fn of defined) if (fn.kind === 'entry') decode(this.imageOf(fn.name))
    for (const fn of defined) if (!seen.has(fn.name)) decode(new EntryImage(this, fn.name))
  }

  private placeGlobal(v: Variable): void {
    if (v.linking === 'extern') throw new PtxError(this.ptx.file, v.at, `extern .${v.space} ${v.name} is defined in no module`)
    const at = this.memory.allocate(Math.max(1, v.bytes), v.name)
    this.allocations.push(at)
    this.places.set(v, at)
  }

  private writeInitial(v: Variable): void {
    const at = this.places.get(v)
    if (!v.init || at === undefined) return
    this.memory.u8.set(v.init.bytes, at)
    for (const r of v.init.relocations) {
      let value = this.addressOf(v, r.target, r.addend, r.generic)
      if (r.shift !== undefined) value = (value >> BigInt(r.shift)) & 0xffn
      for (let i = 0; i < r.bytes; i++) this.memory.u8[at + r.offset + i] = Number((value >> BigInt(8 * i)) & 0xffn)
    }
  }

  private addressOf(v: Variable, name: string, addend: number, generic: boolean): bigint {
    const target = this.ptx.globals.find((g) => g.name === name)
    if (!target) {
      if (this.ptx.functions.has(name)) return BigInt(this.functionIndex(name))
      throw new PtxError(this.ptx.file, v.at, `${v.name}: ${name} is neither a variable nor a function`)
    }
    if (target.space === 'shared') {
      // A constant cannot depend on the entry that reads it: only a variable that is alone in shared memory has one address.
      const shared = this.ptx.globals.filter((g) => g.space === 'shared' && g.dims[0] !== 0)
      if (shared[0] !== target) throw new PtxError(this.ptx.file, v.at, `${v.name}: the address of shared ${name} differs from entry to entry`)
      return (BigInt(generic ? SHARED_HIGH : 0) << 32n) | BigInt(addend)
    }
    return ((BigInt(GLOBAL_HIGH) << 32n) | BigInt(this.places.get(target)!)) + BigInt(addend)
  }

  /** Of the module's variables, in the order of the file. */
  get globalPlaces(): readonly number[] { return this.allocations }
  isKernelParameter(v: Variable): boolean { return this.kernelParameters.has(v) }
  /** Of globals, constants (linear) and kernel parameters (in the parameter block). */
  placeOf(v: Variable): number | undefined { return this.places.get(v) }
  parametersOf(kernel: string): ParameterBlock {
    const known = this.parameters.get(kernel)
    if (known) return known
    throw new PtxError(this.ptx.file, this.definition(kernel).at, `${kernel} is a .func, not an .entry`)
  }

  /** From 1 on: 0 is no function. */
  functionIndex(name: string): number { return this.names.indexOf(name) + 1 }
  functionName(index: number): string | undefined { return this.names[index - 1] }

  definition(name: string): PtxFunction {
    const fn = this.ptx.functions.get(name)
    if (!fn?.body) throw new PtxError(this.ptx.file, fn?.at ?? { line: 1, column: 1 }, fn ? `function ${name} is declared but not defined` : `there is no function ${name}`)
    return fn
  }

  /** The entry and every function that it may call, by name or through an address taken anywhere. */
  reachableFrom(name: string): PtxFunction[] {
    const seen = new Set<PtxFunction>([this.definition(name)])
    const add = (n: string) => { const fn = this.ptx.functions.get(n); if (fn?.body) seen.add(fn) }
    for (const g of this.ptx.globals) for (const r of g.init?.relocations ?? []) if (this.ptx.functions.has(r.target)) add(r.target)
    for (const fn of seen) for (const s of fn.body!.statements) for (const o of s.operands) eachOperand(o, (part) => { if (part.kind === 'function') add(part.name) })
    return [...seen]
  }

  /** As the assembler counts: all that the functions declare, and of the module's those that they name; in the order of the file. */
  sharedOf(functions: readonly PtxFunction[]): Variable[] {
    const used = new Set<Variable>()
    for (const fn of functions) for (const s of fn.body!.statements) for (const o of s.operands) eachOperand(o, (part) => { if (part.kind === 'symbol' && part.variable.space === 'shared') used.add(part.variable) })
    const fixed = new Set(this.ptx.globals.flatMap((g) => g.init?.relocations ?? []).map((r) => r.target))
    return [...this.ptx.globals.filter((v) => used.has(v) || fixed.has(v.name)), ...functions.flatMap((fn) => fn.body!.variables)].filter((v) => v.space === 'shared')
  }

  imageOf(name: string): EntryImage {
    let image = this.images.get(name)
    if (!image) this.images.set(name, (image = new EntryImage(this, name)))
    return image
  }
  /** An entry, decoded with the functions it calls. */
  functionNamed(name: string): DecodedFunction { return this.imageOf(name).entry }

  private readonly heap = new Set<number>()
  /** A kernel's malloc: lives until its free, or as long as the module. */
  allocateHeap(bytes: number): number {
    const at = this.memory.allocate(bytes, 'malloc')
    this.heap.add(at)
    return at
  }
  freeHeap(at: number): boolean {
    if (!this.heap.delete(at)) return false
    this.memory.deallocate(at)
    return true
  }

  unload(): void {
    for (const image of this.images.values()) image.release()
    for (const at of this.heap) this.memory.deallocate(at)
    for (const at of this.allocations) this.memory.deallocate(at)
  }
}

function eachOperand(o: Operand, see: (o: Operand) => void): void {
  see(o)
  switch (o.kind) {
    case 'address': if (o.base) eachOperand(o.base, see); break
    case 'vector': case 'list': for (const e of o.elements) eachOperand(e, see); break
    case 'pair': eachOperand(o.first, see); eachOperand(o.second, see); break
    case 'tensor': eachOperand(o.map, see); for (const e of o.coordinates) eachOperand(e, see); break
  }
}
