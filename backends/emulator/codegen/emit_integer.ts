// Integer, logic and data movement as SIMD. What is not here (variable shifts, division, carries) the interpreter runs.
import type { Operand, Statement } from '../ast.ts'
import type { Slot } from '../machine.ts'
import { bitmask2, bitmask4, load, maskOf2, maskOf4, store2, store4, storePredicate, type Lanes } from './lanes.ts'
import { op, simd } from './wasm_encoder.ts'

export type Emit = (s: Statement, lanes: Lanes) => boolean

const has = (s: Statement, ...modifiers: string[]) => s.modifiers.length === modifiers.length && modifiers.every((m, i) => s.modifiers[i] === m)
/** All operands as slots, or undefined when one is not a plain value. */
export function slotsOf(s: Statement, lanes: Lanes): Slot[] | undefined {
  const slots = s.operands.map((o) => (o.kind === 'reg' && o.negate ? undefined : lanes.slotOf(o)))
  return slots.every((x) => x !== undefined) ? slots as Slot[] : undefined
}
const word = /^[sub]32$/
const long = /^[sub]64$/
const constantOf = (o: Operand) => (o.kind === 'int' ? o.value : undefined)

/** d = a op b on 32- or 64-bit lanes. */
function binary(s: Statement, lanes: Lanes, op32: number | undefined, op64: number | undefined): boolean {
  const slots = slotsOf(s, lanes)
  if (!slots || s.modifiers.length !== 1) return false
  const [d, a, b] = slots
  const emit = (code: number) => (v: number) => { load(lanes, a, v); load(lanes, b, v); lanes.code.simd(code) }
  if (word.test(s.modifiers[0]) && op32 !== undefined) { store4(lanes, d, emit(op32)); return true }
  if (long.test(s.modifiers[0]) && op64 !== undefined) { store2(lanes, d, emit(op64)); return true }
  return false
}

/** 64-bit lanes 2v, 2v+1 of a 32-bit slot times another: extmul low or high of vector v >> 1. */
function widened(lanes: Lanes, a: Slot, b: Slot, signed: boolean, v: number): void {
  load(lanes, a, v >> 1); load(lanes, b, v >> 1)
  const high = v & 1
  lanes.code.simd(signed ? (high ? simd.i64x2_extmul_high_i32x4_s : simd.i64x2_extmul_low_i32x4_s) : (high ? simd.i64x2_extmul_high_i32x4_u : simd.i64x2_extmul_low_i32x4_u))
}

/** Predicates are words of 32 bits. */
function predicateLogic(s: Statement, lanes: Lanes, code: number): boolean {
  const slots = slotsOf(s, lanes)
  if (!slots) return false
  const { code: c, base, words: [t] } = lanes
  c.get(base).i32Load(slots[1]).get(base).i32Load(slots[2]).op(code).set(t)
  storePredicate(lanes, slots[0], t)
  return true
}

function logic(code32: number, wordOp: number): Emit {
  return (s, lanes) => (has(s, 'pred') ? predicateLogic(s, lanes, wordOp) : binary(s, lanes, code32, code32))
}

function shift(s: Statement, lanes: Lanes, left: boolean): boolean {
  const type = s.modifiers[0]
  const amount = constantOf(s.operands[2])
  const slots = [lanes.slotOf(s.operands[0]), lanes.slotOf(s.operands[1])]
  if (s.modifiers.length !== 1 || amount === undefined || slots[0] === undefined || slots[1] === undefined) return false
  const signed = type === 's32' || type === 's64'
  const by = Number(BigInt.asUintN(32, amount))
  const is64 = long.test(type)
  if (!is64 && !word.test(type)) return false
  const width = is64 ? 64 : 32
  const { code } = lanes
  const value = (v: number) => {
    if (by >= width && (left || !signed)) { code.vConst32(0); return }
    load(lanes, slots[1]!, v)
    code.i32(Math.min(by, width - 1))
    code.simd(is64 ? (left ? simd.i64x2_shl : signed ? simd.i64x2_shr_s : simd.i64x2_shr_u) : (left ? simd.i32x4_shl : signed ? simd.i32x4_shr_s : simd.i32x4_shr_u))
  }
  if (is64) store2(lanes, slots[0], value)
  else store4(lanes, slots[0], value)
  return true
}

/** mul.lo, mul.wide, mad.lo, mad.wide. */
function product(s: Statement, lanes: Lanes, plus: boolean): boolean {
  const slots = slotsOf(s, lanes)
  if (!slots || s.modifiers.length !== 2) return false
  const [kind, type] = s.modifiers
  const [d, a, b, c] = slots
  const { code } = lanes
  if (kind === 'lo' && word.test(type)) {
    store4(lanes, d, (v) => { load(lanes, a, v); load(lanes, b, v); code.simd(simd.i32x4_mul); if (plus) { load(lanes, c, v); code.simd(simd.i32x4_add) } })
    return true
  }
  if (kind === 'lo' && long.test(type)) {
    store2(lanes, d, (v) => { load(lanes, a, v); load(lanes, b, v); code.simd(simd.i64x2_mul); if (plus) { load(lanes, c, v); code.simd(simd.i64x2_add) } })
    return true
  }
  if (kind !== 'wide' || !word.test(type)) return false
  // The destination is twice as wide as the sources and may lie over neither: slots of different sizes are different registers.
  store2(lanes, d, (v) => { widened(lanes, a, b, type === 's32', v); if (plus) { load(lanes, c, v); code.simd(simd.i64x2_add) } })
  return true
}

function mov(s: Statement, lanes: Lanes): boolean {
  const slots = slotsOf(s, lanes)
  if (!slots || s.modifiers.length !== 1 || s.operands[1].kind === 'special') return false
  const [d, a] = slots
  const type = s.modifiers[0]
  if (type === 'pred') {
    lanes.code.get(lanes.base).i32Load(a).set(lanes.words[0])
    storePredicate(lanes, d, lanes.words[0])
    return true
  }
  if (/^[subf]32$/.test(type)) { store4(lanes, d, (v) => { load(lanes, a, v) }); return true }
  if (/^[subf]64$/.test(type)) { store2(lanes, d, (v) => { load(lanes, a, v) }); return true }
  return false
}

/** Vector v of a 64-bit slot extended from a 32-bit one. */
function extended(lanes: Lanes, a: Slot, signed: boolean, v: number): void {
  load(lanes, a, v >> 1)
  lanes.code.simd(signed ? (v & 1 ? simd.i64x2_extend_high_i32x4_s : simd.i64x2_extend_low_i32x4_s) : (v & 1 ? simd.i64x2_extend_high_i32x4_u : simd.i64x2_extend_low_i32x4_u))
}

/** cvt between 32- and 64-bit integers. */
export function convertInteger(s: Statement, lanes: Lanes): boolean {
  const slots = slotsOf(s, lanes)
  if (!slots || s.modifiers.length !== 2) return false
  const [to, from] = s.modifiers
  if (/^[su]64$/.test(to) && /^[su]32$/.test(from)) { store2(lanes, slots[0], (v) => extended(lanes, slots[1], from === 's32', v)); return true }
  if (/^[su]32$/.test(to) && /^[su]64$/.test(from)) {
    store4(lanes, slots[0], (v) => { load(lanes, slots[1], 2 * v); load(lanes, slots[1], 2 * v + 1); lanes.code.shuffle(lowWords) })
    return true
  }
  if (/^[su]32$/.test(to) && /^[su]32$/.test(from) && to === from) { store4(lanes, slots[0], (v) => { load(lanes, slots[1], v) }); return true }
  return false
}
/** Low words of four 64-bit lanes. */
export const lowWords = [0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27]
export const highWords = [4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23, 28, 29, 30, 31]

/** selp d, a, b, p: p's bits choose between whole vectors. */
function selp(s: Statement, lanes: Lanes): boolean {
  const slots = slotsOf(s, lanes)
  if (!slots || s.modifiers.length !== 1) return false
  const [d, a, b, p] = slots
  const is64 = /64$/.test(s.modifiers[0])
  if (!is64 && !/32$/.test(s.modifiers[0])) return false
  const { code, base, words: [t] } = lanes
  code.get(base).i32Load(p).set(t)
  const chosen = (maskOf: typeof maskOf4) => (v: number) => { load(lanes, a, v); load(lanes, b, v); maskOf(lanes, v, t); code.simd(simd.bitselect) }
  if (is64) store2(lanes, d, chosen(maskOf2))
  else store4(lanes, d, chosen(maskOf4))
  return true
}

const compare32: Record<string, [signed: number, unsigned: number]> = {
  eq: [simd.i32x4_eq, simd.i32x4_eq], ne: [simd.i32x4_ne, simd.i32x4_ne], lt: [simd.i32x4_lt_s, simd.i32x4_lt_u], le: [simd.i32x4_le_s, simd.i32x4_le_u],
  gt: [simd.i32x4_gt_s, simd.i32x4_gt_u], ge: [simd.i32x4_ge_s, simd.i32x4_ge_u],
}
const compare64: Record<string, number> = {
  eq: simd.i64x2_eq, ne: simd.i64x2_ne, lt: simd.i64x2_lt_s, le: simd.i64x2_le_s, gt: simd.i64x2_gt_s, ge: simd.i64x2_ge_s,
}
const compareFloat: Record<string, number> = {
  eq: simd.f32x4_eq, lt: simd.f32x4_lt, le: simd.f32x4_le, gt: simd.f32x4_gt, ge: simd.f32x4_ge, neu: simd.f32x4_ne,
}
/** lo, ls, hi, hs are unsigned comparisons by their old names. */
const unsignedNames: Record<string, string> = { lo: 'lt', ls: 'le', hi: 'gt', hs: 'ge' }

/** setp.cmp.type p, a, b, without a second predicate or boolean operator. */
function setp(s: Statement, lanes: Lanes): boolean {
  const slots = slotsOf(s, lanes)
  if (!slots || s.modifiers.length !== 2 || slots.length !== 3) return false
  const [name, type] = s.modifiers
  const [p, a, b] = slots
  const { code, words: [t] } = lanes
  const pair = (operation: number) => (v: number) => { load(lanes, a, v); load(lanes, b, v); code.simd(operation) }
  if (word.test(type)) {
    const entry = compare32[unsignedNames[name] ?? name]
    if (!entry) return false
    bitmask4(lanes, pair(entry[type === 's32' && !unsignedNames[name] ? 0 : 1]))
  } else if (long.test(type)) {
    const entry = compare64[unsignedNames[name] ?? name]
    if (entry === undefined) return false
    // SIMD has signed 64-bit comparisons only: flipping the top bits orders unsigned numbers.
    const flip = type !== 's64' && name !== 'eq' && name !== 'ne'
    bitmask2(lanes, !flip ? pair(entry) : (v) => {
      for (const slot of [a, b]) { load(lanes, slot, v); code.vConst64(1n << 63n).simd(simd.xor) }
      code.simd(entry)
    })
  } else if (type === 'f32' && compareFloat[name] !== undefined) bitmask4(lanes, pair(compareFloat[name]))
  else return false
  code.set(t)
  storePredicate(lanes, p, t)
  return true
}

function not(s: Statement, lanes: Lanes): boolean {
  const slots = slotsOf(s, lanes)
  if (!slots || s.modifiers.length !== 1) return false
  const type = s.modifiers[0]
  const inverted = (v: number) => { load(lanes, slots[1], v); lanes.code.simd(simd.not) }
  if (type === 'b32') store4(lanes, slots[0], inverted)
  else if (type === 'b64') store2(lanes, slots[0], inverted)
  else if (type === 'pred') {
    lanes.code.get(lanes.base).i32Load(slots[1]).i32(-1).op(op.i32_xor).set(lanes.words[0])
    storePredicate(lanes, slots[0], lanes.words[0])
  } else return false
  return true
}

export const integerEmitters: Readonly<Record<string, Emit>> = {
  add: (s, l) => binary(s, l, simd.i32x4_add, simd.i64x2_add),
  sub: (s, l) => binary(s, l, simd.i32x4_sub, simd.i64x2_sub),
  min: (s, l) => binary(s, l, s.modifiers[0] === 's32' ? simd.i32x4_min_s : simd.i32x4_min_u, undefined),
  max: (s, l) => binary(s, l, s.modifiers[0] === 's32' ? simd.i32x4_max_s : simd.i32x4_max_u, undefined),
  and: logic(simd.and, op.i32_and),
  or: logic(simd.or, op.i32_or),
  xor: logic(simd.xor, op.i32_xor),
  not,
  shl: (s, l) => shift(s, l, true),
  shr: (s, l) => shift(s, l, false),
  mul: (s, l) => product(s, l, false),
  mad: (s, l) => product(s, l, true),
  mov, selp, setp, cvt: convertInteger,
}
