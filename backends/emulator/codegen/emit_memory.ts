// Which loads, stores and shuffles compiled code does itself: plain ones of global, shared and local memory through an access
// function, a kernel's parameters as part of a strip, shuffles of whole warps with constant lanes as vector shuffles.
import type { Operand, Statement, Variable } from '../ast.ts'
import { sourceLane } from '../isa/shuffle.ts'
import { PARAM_HIGH, type Slot } from '../machine.ts'
import type { AnyShape, Shape } from './access.ts'
import { loadCell } from './cells.ts'
import { registerBytes, type Emit, type Operands } from './plan.ts'
import type { Constant } from './strip.ts'
import { Code, I32, V128 } from './wasm_encoder.ts'

export interface AddressOperand { readonly slot: Slot; readonly wide: boolean; readonly offset: number; readonly variable: Variable | null }
/** `values`: the further words that its function takes, slots as linear places. */
export interface Access { readonly shape: AnyShape; readonly address: AddressOperand; readonly values: readonly ({ readonly slot: Slot } | { readonly word: number })[] }

/** Hints that change nothing here. */
const ignorable = /^(weak|nc|ca|cg|cs|lu|wb|wt|L1::\w+|L2::\d+B)$/
const spaces: Readonly<Record<string, Shape['space']>> = { global: 'global', const: 'global', shared: 'shared', 'shared::cta': 'shared', local: 'local' }

interface Form { readonly space: string | undefined; readonly count: number; readonly size: number; readonly signed: boolean }
/** undefined: volatile, ordered, hinted by a policy, wide elements. */
function formOf(modifiers: readonly string[]): Form | undefined {
  const m = modifiers.filter((x) => !ignorable.test(x))
  const type = /^([subf])(8|16|32|64)$/.exec(m[m.length - 1] ?? '')
  const vector = m.find((x) => x === 'v2' || x === 'v4')
  const rest = m.slice(0, -1).filter((x) => x !== vector)
  if (!type || rest.length > 1) return undefined
  return { space: rest[0], count: vector ? Number(vector[1]) : 1, size: Number(type[2]) / 8, signed: type[1] === 's' }
}

/** The registers of a vector operand; a vector register is not taken apart here. */
const elements = (o: Operand): readonly Operand[] => (o.kind === 'vector' ? o.elements : [o])

/** Registers exactly as wide as their elements, or a word for narrower ones. */
function fits(o: Operand, { size, signed }: Form, storing: boolean): boolean {
  if (o.kind !== 'reg') return storing && (o.kind === 'int' || o.kind === 'float')
  const bytes = registerBytes(o)
  if (size === 8) return bytes === 8
  if (size === 4) return bytes === 4
  // A narrow register keeps zeros above its value: signed loads fill a word only.
  return bytes === 4 || (bytes <= 2 && bytes >= size && (storing || !signed || bytes === size))
}

export function accessOf(s: Statement, o: Operands, addressOf: (o: Operand) => AddressOperand | undefined): Access | undefined {
  const storing = s.opcode === 'st'
  const form = formOf(s.modifiers)
  if (!form || form.space === undefined || s.operands.length !== 2) return undefined
  const space = spaces[form.space]
  const address = addressOf(s.operands[storing ? 0 : 1])
  const values = elements(s.operands[storing ? 1 : 0])
  if (!space || !address || values.length !== form.count || !values.every((v) => o.isValue(v) && fits(v, form, storing))) return undefined
  if (form.size * form.count > 16 || Math.abs(address.offset) > (address.offset < 0 ? 65536 : 2 ** 31 - 1)) return undefined
  if (space === 'global' && !address.wide) return undefined
  // A signed narrow load into a register as narrow must not fill the word above.
  const signed = form.signed && form.size < 4 && !storing && values.every((v) => registerBytes(v) === 4)
  return { shape: { storing, space, wide: address.wide, size: form.size as Shape['size'], count: form.count as Shape['count'], signed }, address, values: values.map((v) => ({ slot: o.of(v) })) }
}

/** Of one kind and without a group of its own: what asynchronous copies that land at once leave to do. */
export const waitsForCopies = ({ opcode, modifiers }: Statement): boolean => opcode === 'cp' && modifiers[0] === 'async' && modifiers.length === 2 && /^(commit_group|wait_group|wait_all)$/.test(modifiers[1])

/** cp.async.ca and .cg with or without the bytes to read. */
export function copyOf({ modifiers, operands }: Statement, o: Operands, addressOf: (o: Operand) => AddressOperand | undefined): Access | undefined {
  const [async, level, ...rest] = modifiers
  const m = rest.filter((x) => !/^L2::\d+B$/.test(x))
  if (async !== 'async' || (level !== 'ca' && level !== 'cg') || m.length !== 2 || !/^shared(::cta)?$/.test(m[0]) || operands.length > 4) return undefined
  const [to, from, bytes, size] = operands
  const [address, source] = [addressOf(to), addressOf(from)]
  if (!address || !source?.wide || bytes.kind !== 'int' || (size && (!o.isValue(size) || (size.kind === 'reg' && size.variable.type === 'pred')))) return undefined
  if (Math.abs(address.offset) > 65536 || Math.abs(source.offset) > 65536) return undefined
  const shape = { copied: Number(bytes.value) as 4, wideTo: address.wide, sized: size !== undefined }
  return { shape, address, values: [{ slot: source.slot }, { word: source.offset }, ...(size ? [{ slot: o.of(size) }] : [])] }
}

/** ld.param of a kernel's own parameter: the same for all lanes. */
export function parameterLoad(s: Statement, o: Operands, addressOf: (o: Operand) => AddressOperand | undefined, constantAt: (slot: Slot) => Constant | undefined): Emit | undefined {
  const form = formOf(s.modifiers)
  if (s.opcode !== 'ld' || !form || form.space !== 'param' || s.operands.length !== 2) return undefined
  const values = elements(s.operands[0])
  const address = addressOf(s.operands[1])
  const at = address && constantAt(address.slot)
  if (!at || !address.variable || at.pattern >> 32n !== BigInt(PARAM_HIGH) || values.length !== form.count) return undefined
  if (!values.every((v) => o.isValue(v) && (form.size === 8 ? registerBytes(v) === 8 : form.size === 4 && registerBytes(v) === 4))) return undefined
  const offset = Number(at.pattern & 0xffffffffn) + address.offset
  if (offset % (form.size * form.count) !== 0) return undefined
  return (strip) => values.forEach((v, i) => {
    const splat = () => { loadCell(strip.code, 'paramBase'); if (form.size === 8) strip.code.vLoadSplat64(offset + 8 * i); else strip.code.vLoadSplat32(offset + 4 * i) }
    if (form.size === 4) { splat(); strip.set32(o.of(v)); return }
    for (const h of [0, 1]) { splat(); strip.set64(o.of(v), h) }
  })
}

/** A shuffle of all 32 lanes whose lanes are constants, as a function of the frame; undefined for other forms. */
export function shuffleOf(s: Statement, o: Operands): Code | undefined {
  const [sync, mode, type] = s.modifiers
  if (s.opcode !== 'shfl' || sync !== 'sync' || type !== 'b32' || s.guard !== null || s.operands.length !== 5) return undefined
  const [target, source, by, bound, members] = s.operands
  if (by.kind !== 'int' || bound.kind !== 'int' || members.kind !== 'int' || !o.isValue(source)) return undefined
  const [d, p] = target.kind === 'pair' ? [target.first, target.second] : [target, undefined]
  if (!o.isValue(d) || (p && !o.isValue(p))) return undefined
  const [b, c] = [Number(BigInt.asIntN(32, by.value)), Number(BigInt.asIntN(32, bound.value))]
  const from = Array.from({ length: 32 }, (_, lane) => sourceLane(mode as 'up', lane, b, c))
  const code = new Code([I32, I32])
  const results = Array.from({ length: 8 }, () => code.local(V128))
  results.forEach((r, v) => { gather(code, o.of(source), from.slice(4 * v, 4 * v + 4).map((lane, i) => (lane < 0 ? 4 * v + i : lane))); code.set(r) })
  results.forEach((r, v) => code.get(0).get(r).vStore(o.of(d) + 16 * v))
  if (p) code.get(0).i32(from.reduce((bits, lane, i) => (lane < 0 ? bits : bits | (1 << i)), 0)).i32Store(o.of(p))
  return code
}

/** The words of four lanes of a slot, from one vector after the other. */
function gather(code: Code, slot: Slot, lanes: readonly number[]): void {
  const vectors = [...new Set(lanes.map((lane) => lane >> 2))]
  const bytes = (pick: (i: number) => number) => lanes.flatMap((_, i) => [0, 1, 2, 3].map((byte) => 4 * pick(i) + byte))
  code.get(0).vLoad(slot + 16 * vectors[0])
  vectors.forEach((v, n) => {
    const here = (i: number) => lanes[i] >> 2 === v
    if (n > 0) code.get(0).vLoad(slot + 16 * v).shuffle(bytes((i) => (here(i) ? 4 + (lanes[i] & 3) : i)))
    else if (lanes.some((lane, i) => here(i) && (lane & 3) !== i)) code.get(0).vLoad(slot + 16 * v).shuffle(bytes((i) => (here(i) ? lanes[i] & 3 : i)))
  })
}
