// DecodeContext for one statement: operands -> slots, with widths checked; remembers what was asked for.
import { PtxError, type Operand, type Position, type Statement, type Variable } from './ast.ts'
import type { DecodeContext, Modifiers } from './decode.ts'
import { GLOBAL_HIGH, PARAM_HIGH, type LoadedFunction, type Slot, type SlotUse } from './machine.ts'
import type { Activation } from './frames.ts'
import { since } from './isa/free_modifiers.ts'
import { bitsOfDouble } from './lexer.ts'
import { ModifierList } from './modifiers.ts'
import type { DecodedFunction, EntryImage } from './image.ts'
import { slotBytes, type FrameLayout, type LaneValue } from './slots.ts'
import { firstWith, specialValue } from './special_registers.ts'
import { typeBytes } from './types_table.ts'

export interface AddressParts { slot: Slot; wide: boolean; offset: number; variable: Variable | null }

const kindOf = (type: string): string => (/^b\d/.test(type) ? 'bits' : /^[us]\d/.test(type) ? 'integer' : type)

const scratch = new DataView(new ArrayBuffer(8))
function floatPattern(value: number, bytes: number): bigint {
  if (bytes === 4) { scratch.setFloat32(0, value); return BigInt(scratch.getUint32(0)) }
  return bitsOfDouble(value)
}

export class StatementContext implements DecodeContext {
  readonly modifiers: Modifiers
  readonly reads: SlotUse[] = []
  readonly writes: SlotUse[] = []
  readonly slots: Slot[] = []
  readonly refresh: { slot: Slot; wide: boolean; value: LaneValue }[] = []
  readonly file: string
  readonly sm: number
  readonly smSuffix: string
  readonly ptxVersion: readonly [number, number]
  readonly addressSize: 32 | 64
  readonly name: string
  readonly function: LoadedFunction

  constructor(private readonly module: EntryImage, private readonly layout: FrameLayout, private readonly owner: DecodedFunction, private readonly statement: Statement,
    private readonly found: { operands: Map<Operand, Slot>; addresses: Map<Operand, AddressParts> }) {
    const { ptx } = module
    this.function = owner
    this.file = ptx.file
    const target = /^sm_(\d+)(\w*)$/.exec(ptx.target)!
    this.sm = Number(target[1])
    this.smSuffix = target[2]
    this.ptxVersion = ptx.version
    this.addressSize = ptx.addressSize
    this.name = [statement.opcode, ...statement.modifiers].join('.')
    this.modifiers = new ModifierList(statement.modifiers, this.name, (problem) => this.error(problem))
  }

  error(problem: string, at: Position = this.statement.at): never { throw new PtxError(this.file, at, problem) }

  operands(min: number, max = min): void {
    const n = this.statement.operands.length
    if (n < min || n > max) this.error(`${this.name} has ${n} operands, needs ${min === max ? min : `${min} to ${max}`}`)
  }

  /** Untyped bits go with everything of their size, integers with integers, floats with their own type (PTX ISA 9.2.2). */
  private fits(operand: Operand & { kind: 'reg' }, type: string, wide: boolean | undefined): void {
    const { variable } = operand
    const own = variable.elementBytes / variable.vector
    const need = typeBytes[type] ?? this.error(`type .${type} is unknown`)
    const [of, asked] = [kindOf(variable.type), kindOf(type)]
    const related = of === asked || (of !== 'pred' && asked !== 'pred' && (of === 'bits' || asked === 'bits' || (of === 'f16x2' && asked === 'integer')))
    if (!related) this.error(`${variable.name} is .${variable.type}, ${this.name} needs .${type} there`, operand.at)
    if (own !== need && !(wide && own > need)) this.error(`${variable.name} is .${variable.type}, ${this.name} needs ${need * 8} bits there`, operand.at)
  }

  private remember(operand: Operand, slot: Slot, uses: SlotUse[], bytes: number): Slot {
    this.slots.push(slot)
    this.found.operands.set(operand, slot)
    uses.push({ slot, bytes: slotBytes(bytes) })
    return slot
  }

  src(operand: Operand, type: string, options: { wide?: boolean } = {}): Slot {
    const bytes = typeBytes[type] ?? this.error(`type .${type} is unknown`)
    switch (operand.kind) {
      case 'reg': {
        if (operand.negate) return this.error(`${this.name}: "!" is not allowed here`, operand.at)
        this.fits(operand, type, options.wide)
        return this.remember(operand, this.layout.register(operand.variable, operand.component), this.reads, operand.variable.elementBytes / operand.variable.vector)
      }
      case 'int': {
        if (!/^(bits|integer|pred)$/.test(kindOf(type))) return this.error(`${this.name}: an integer where a .${type} constant is needed`, operand.at)
        return this.constantSlot(operand, bytes, type === 'pred' ? (operand.value === 0n ? 0n : 1n) : BigInt.asUintN(bytes * 8, operand.value))
      }
      case 'float': {
        if (type !== 'f32' && type !== 'f64' && !(type === `b${operand.bits}`)) return this.error(`${this.name}: a floating-point constant where .${type} is needed`, operand.at)
        const pattern = operand.bits === bytes * 8 ? operand.pattern : floatPattern(operand.value, bytes)
        return this.constantSlot(operand, bytes, pattern)
      }
      case 'special': {
        const shown = `${operand.name}${operand.component === null ? '' : `.${'xyzw'[operand.component]}`}`
        if (this.statement.opcode !== 'mov' && this.statement.opcode !== 'cvt') return this.error(`${this.name}: special registers are read by mov and cvt only, not ${shown}`, operand.at)
        const special = specialValue(operand.name, operand.component)
        if (!special) return this.error(`special register ${shown} is not emulated`, operand.at)
        const { ptx, sm } = firstWith(operand.name)
        since(this, operand.name, ptx, sm)
        if (type === 'pred' && special.bits.includes(1)) return this.remember(operand, this.layout.special(`${operand.name} as predicate`, false, (w, lane) => (special.value(w, lane) ? 0xffffffff : 0)), [], bytes)
        if (!/^(bits|integer)$/.test(kindOf(type)) || special.bits.includes(1) || special.bits.every((n) => (n === 64) !== (bytes === 8))) return this.error(`${this.name}: ${shown} has ${special.bits.join(' or ')} bits`, operand.at)
        const wide = bytes === 8
        // A slot of 8 or 16 bits holds no more than those.
        const value: LaneValue = bytes < 4 ? (w, lane) => Number(special.value(w, lane)) & (2 ** (8 * bytes) - 1) : special.value
        if (!special.changes) {
          const slot = this.layout.special(`${operand.name}.${operand.component}${bytes < 4 ? ` of ${bytes}` : ''}`, wide, value)
          return this.remember(operand, slot, [], bytes)
        }
        const slot = this.layout.scratch(wide ? 8 : 4)
        this.refresh.push({ slot, wide, value })
        return this.remember(operand, slot, [], bytes)
      }
      case 'symbol': return this.remember(operand, this.addressSlot(operand.variable, BigInt(operand.offset), bytes), [], bytes)
      case 'function': return this.constantSlot(operand, bytes, BigInt(this.module.functionIndex(operand.name)))
      default: return this.error(`${this.name}: a register or constant is needed here`, operand.at)
    }
  }

  private constantSlot(operand: Operand, bytes: number, pattern: bigint): Slot {
    return this.remember(operand, this.layout.constant(bytes, pattern), [], bytes)
  }

  dst(operand: Operand, type: string, options: { wide?: boolean } = {}): Slot {
    if (operand.kind === 'sink') return this.remember(operand, this.layout.scratch(typeBytes[type] ?? 8), [], typeBytes[type] ?? 8)
    if (operand.kind !== 'reg' || operand.negate) return this.error(`${this.name}: the destination must be a register`, operand.at)
    this.fits(operand, type, options.wide)
    return this.remember(operand, this.layout.register(operand.variable, operand.component), this.writes, operand.variable.elementBytes / operand.variable.vector)
  }

  private elements(operand: Operand, count?: number): readonly Operand[] {
    // A vector register without a component stands for all its components.
    const all = operand.kind === 'vector' ? operand.elements
      : operand.kind === 'reg' && operand.component === null && operand.variable.vector > 1
        ? Array.from({ length: operand.variable.vector }, (_, component): Operand => ({ ...operand, component })) : [operand]
    if (count !== undefined && all.length !== count) this.error(`${this.name}: ${all.length} elements where ${count} are needed`, operand.at)
    return all
  }
  srcVector(operand: Operand, type: string, count?: number, options?: { wide?: boolean }): Slot[] { return this.elements(operand, count).map((o) => this.src(o, type, options)) }
  dstVector(operand: Operand, type: string, count?: number, options?: { wide?: boolean }): Slot[] { return this.elements(operand, count).map((o) => this.dst(o, type, options)) }

  dstPair(operand: Operand, first: string, second: string): [Slot, Slot | null] {
    if (operand.kind !== 'pair') return [this.dst(operand, first), null]
    return [this.dst(operand.first, first), this.dst(operand.second, second)]
  }

  predicate(operand: Operand): { slot: Slot; negate: boolean } {
    if (operand.kind === 'reg' && operand.negate) return { slot: this.src({ ...operand, negate: false }, 'pred'), negate: true }
    return { slot: this.src(operand, 'pred'), negate: false }
  }

  address(operand: Operand): AddressParts {
    if (operand.kind === 'symbol' && operand.indexed) return this.address({ kind: 'address', base: operand, offset: 0n, at: operand.at })
    if (operand.kind !== 'address') return this.error(`${this.name}: an address in brackets is needed here`, operand.at)
    const parts = this.addressParts(operand)
    this.found.addresses.set(operand, parts)
    this.slots.push(parts.slot)
    return parts
  }

  private addressParts({ base, offset, at }: Operand & { kind: 'address' }): AddressParts {
    const number = Number(offset)
    if (base === null) return { slot: this.layout.constant(8, BigInt.asUintN(64, offset)), wide: true, offset: 0, variable: null }
    if (base.kind === 'symbol') {
      return { slot: this.addressSlot(base.variable, BigInt(base.offset) + offset, 8), wide: true, offset: 0, variable: base.variable }
    }
    if (base.kind !== 'reg') return this.error(`${this.name}: the base of an address must be a register or a variable`, at)
    const bytes = base.variable.elementBytes / base.variable.vector
    if (bytes !== 4 && bytes !== 8) return this.error(`${base.variable.name} is .${base.variable.type}, an address has 32 or 64 bits`, at)
    const slot = this.layout.register(base.variable, base.component)
    this.reads.push({ slot, bytes: slotBytes(bytes) })
    return { slot, wide: bytes === 8, offset: number, variable: null }
  }

  /** An address as a constant; of variables of a device function, which may be active several times, one of this activation. */
  private addressSlot(v: Variable, offset: bigint, bytes: number): Slot {
    const at = this.addressOf(v) + offset
    const own = (v.space === 'local' || v.space === 'param') && !this.module.isKernelParameter(v) && this.owner.ptx.kind === 'func'
    if (!own) return this.layout.constant(bytes, BigInt.asUintN(bytes * 8, at))
    return this.layout.special(`local ${at}`, bytes === 8, (warp) => (warp.frame as Activation).localBase + Number(at))
  }

  /** A variable's address in its own state space. */
  private addressOf(v: Variable): bigint {
    const at = this.module.place(v, this.owner)
    if (v.space === 'global' || v.space === 'const') return (BigInt(GLOBAL_HIGH) << 32n) | BigInt(at)
    if (v.space === 'param' && this.module.isKernelParameter(v)) return (BigInt(PARAM_HIGH) << 32n) | BigInt(at)
    return BigInt(at)
  }

  isKernelParameter(v: Variable): boolean { return this.module.isKernelParameter(v) }

  constant(operand: Operand, what: string): number {
    if (operand.kind !== 'int') return this.error(`${this.name}: ${what} must be a constant`, operand.at)
    return Number(operand.value)
  }
  registerBytes(operand: Operand): number { return operand.kind === 'reg' ? operand.variable.elementBytes / operand.variable.vector : 0 }
  scratch(bytes: number): Slot { return this.layout.scratch(bytes) }
  get carry(): Slot { return this.layout.carry }
  label(operand: Operand): number { return operand.kind === 'label' ? operand.target : this.error(`${this.name}: a label is needed here`, operand.at) }
  branchTable(operand: Operand): readonly number[] {
    return (operand.kind === 'label' ? this.owner.ptx.body!.branchTables.get(operand.name) : undefined) ?? this.error(`${this.name}: the name of a .branchtargets table is needed here`, operand.at)
  }
  functionNamed(operand: Operand): () => LoadedFunction {
    if (operand.kind !== 'function') return this.error(`${this.name}: a function is needed here`, operand.at)
    return () => this.module.functionNamed(operand.name)
  }
}
