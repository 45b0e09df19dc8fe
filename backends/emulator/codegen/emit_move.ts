// Moving, choosing, comparing (PTX ISA 9.7.5-9.7.9): mov, selp, setp, cvta, ld.param of a kernel's parameters.
import { compareLongs } from './emit_integer.ts'
import { flush } from './emit_float.ts'
import { integerType, load, lowWords, highWords, type Emit, type Operands, type Planner, type Planners } from './plan.ts'
import type { Strip } from './strip.ts'
import { simd } from './wasm_encoder.ts'

const narrowTypes = /^([busf]32|[bus]16)$/
const wideTypes = /^[busf]64$/

function copy(d: number, a: number, wide: boolean): Emit {
  if (wide) return (s) => { for (const h of [0, 1]) { s.get64(a, h); s.set64(d, h) } }
  return (s) => { s.get32(a); s.set32(d) }
}

const mov: Planner = ({ modifiers, operands }, o) => {
  const [type] = modifiers
  const [d, a] = operands
  if (modifiers.length !== 1) return undefined
  if (a.kind === 'vector' || d.kind === 'vector') return pieces(type, o)
  if (!o.plain) return undefined
  if (type === 'pred') return (s) => { s.predicate(o.slot(1), false); s.setPredicate(o.slot(0)) }
  return narrowTypes.test(type) || wideTypes.test(type) ? copy(o.slot(0), o.slot(1), wideTypes.test(type)) : undefined
}

/** {low, high} <-> one register twice as wide. */
function pieces(type: string, o: Operands): Emit | undefined {
  const packing = o.operand(1).kind === 'vector'
  const [whole, parts] = packing ? [o.operand(0), o.operand(1)] : [o.operand(1), o.operand(0)]
  if (parts.kind !== 'vector' || parts.elements.length !== 2 || ![whole, ...parts.elements].every((p) => o.isValue(p))) return undefined
  const w = o.of(whole)
  const [low, high] = parts.elements.map((p) => o.of(p))
  if (type === 'b32') {
    if (packing) return (s) => { s.get32(low); s.get32(high); s.code.i32(16).simd(simd.i32x4_shl).simd(simd.or); s.set32(w) }
    return (s) => s.withVectors(1, (t) => {
      s.get32(w); s.code.set(t)
      s.code.get(t).vConst32(0xffff).simd(simd.and); s.set32(low)
      s.code.get(t).i32(16).simd(simd.i32x4_shr_u); s.set32(high)
    })
  }
  if (type !== 'b64') return undefined
  if (packing) {
    return (s) => s.withVectors(1, (t) => {
      s.get32(low); s.get32(high); s.code.shuffle([0, 1, 2, 3, 16, 17, 18, 19, 4, 5, 6, 7, 20, 21, 22, 23])
      s.get32(low); s.get32(high); s.code.shuffle([8, 9, 10, 11, 24, 25, 26, 27, 12, 13, 14, 15, 28, 29, 30, 31]).set(t)
      s.set64(w, 0)
      s.code.get(t); s.set64(w, 1)
    })
  }
  return (s) => {
    s.get64(w, 0); s.get64(w, 1); s.code.shuffle(lowWords); s.set32(low)
    s.get64(w, 0); s.get64(w, 1); s.code.shuffle(highWords); s.set32(high)
  }
}

const selp: Planner = ({ modifiers }, o) => {
  const [type] = modifiers
  const p = o.predicate(3)
  if (modifiers.length !== 1 || !p || ![0, 1, 2].every((i) => o.isValue(o.operand(i)))) return undefined
  const [d, a, b] = [o.slot(0), o.slot(1), o.slot(2)]
  if (narrowTypes.test(type)) return (s) => { s.get32(a); s.get32(b); s.predicate(p.slot, p.negate); s.code.simd(simd.bitselect); s.set32(d) }
  if (!wideTypes.test(type)) return undefined
  return (s) => { for (const h of [0, 1]) { s.get64(a, h); s.get64(b, h); s.predicate(p.slot, p.negate); s.widen(h); s.code.simd(simd.bitselect); s.set64(d, h) } }
}

const compare32: Readonly<Record<string, readonly [signed: number, unsigned: number]>> = {
  eq: [simd.i32x4_eq, simd.i32x4_eq], ne: [simd.i32x4_ne, simd.i32x4_ne], lt: [simd.i32x4_lt_s, simd.i32x4_lt_u], le: [simd.i32x4_le_s, simd.i32x4_le_u],
  gt: [simd.i32x4_gt_s, simd.i32x4_gt_u], ge: [simd.i32x4_ge_s, simd.i32x4_ge_u],
}
const compare64: Readonly<Record<string, number>> = {
  eq: simd.i64x2_eq, ne: simd.i64x2_ne, lt: simd.i64x2_lt_s, le: simd.i64x2_le_s, gt: simd.i64x2_gt_s, ge: simd.i64x2_ge_s,
}
const compareFloat: Readonly<Record<string, number>> = {
  eq: simd.f32x4_eq, lt: simd.f32x4_lt, le: simd.f32x4_le, gt: simd.f32x4_gt, ge: simd.f32x4_ge, neu: simd.f32x4_ne,
}
/** The comparison whose negation it is: what also holds for NaN. `ne` is not here: it is the one ordered inequality. */
const negations: Readonly<Record<string, string>> = { equ: 'ne', ltu: 'ge', leu: 'gt', gtu: 'le', geu: 'lt' }
/** lo, ls, hi, hs are unsigned comparisons by their old names. */
const unsignedNames: Readonly<Record<string, string>> = { lo: 'lt', ls: 'le', hi: 'gt', hs: 'ge' }
const joins: Readonly<Record<string, number>> = { and: simd.and, or: simd.or, xor: simd.xor }

/** Leaves the comparison's vector on the stack. */
function comparison(name: string, type: string, ftz: boolean, a: number, b: number): ((s: Strip) => void) | undefined {
  if (type === 'f32') return floatComparison(name, ftz, a, b)
  const integer = integerType(type)
  if (!integer || ftz) return undefined
  const own = unsignedNames[name] ?? name
  const signed = integer.signed && unsignedNames[name] === undefined
  if (integer.bits < 64) {
    const entry = compare32[own]
    return entry && ((s) => { load(s, a, { ...integer, signed }); load(s, b, { ...integer, signed }); s.code.simd(entry[signed ? 0 : 1]) })
  }
  const entry = compare64[own]
  if (entry === undefined) return undefined
  return (s) => s.withVectors(2, (x, y) => {
    for (const h of [0, 1]) {
      s.get64(a, h); s.code.set(x)
      s.get64(b, h); s.code.set(y)
      compareLongs(s, x, y, signed || own === 'eq' || own === 'ne', entry)
    }
    s.code.shuffle(lowWords)
  })
}

function floatComparison(name: string, ftz: boolean, a: number, b: number): ((s: Strip) => void) | undefined {
  const operand = (s: Strip, slot: number) => { s.get32(slot); if (ftz) flush(s) }
  const ordered = (s: Strip, x: number) => { operand(s, x); operand(s, x); s.code.simd(simd.f32x4_eq) }
  const plain = compareFloat[name]
  if (plain !== undefined) return (s) => { operand(s, a); operand(s, b); s.code.simd(plain) }
  const bothNumbers = (s: Strip) => { ordered(s, a); ordered(s, b); s.code.simd(simd.and) }
  if (name === 'num') return bothNumbers
  if (name === 'nan') return (s) => { bothNumbers(s); s.code.simd(simd.not) }
  const ne = (s: Strip) => { operand(s, a); operand(s, b); s.code.simd(simd.f32x4_ne); bothNumbers(s); s.code.simd(simd.and) }
  if (name === 'ne') return ne
  const opposite = negations[name]
  if (opposite === undefined) return undefined
  if (opposite === 'ne') return (s) => { ne(s); s.code.simd(simd.not) }
  return (s) => { operand(s, a); operand(s, b); s.code.simd(compareFloat[opposite]).simd(simd.not) }
}

/** setp.cmp[.join][.ftz].type p[|q], a, b[, c]. */
const setp: Planner = ({ modifiers, operands }, o) => {
  const [name] = modifiers
  const join = modifiers[1] in joins ? modifiers[1] : undefined
  const ftz = modifiers.includes('ftz')
  const type = modifiers[modifiers.length - 1]
  if (modifiers.length !== 2 + (join ? 1 : 0) + (ftz ? 1 : 0) || operands.length !== (join ? 4 : 3)) return undefined
  const target = operands[0]
  const [first, second] = target.kind === 'pair' ? [target.first, target.second] : [target, undefined]
  const third = join ? o.predicate(3) : undefined
  if (![first, second ?? first, operands[1], operands[2]].every((x) => o.isValue(x)) || (join && !third)) return undefined
  const [p, q] = [o.of(first), second && o.of(second)]
  const compare = comparison(name, type, ftz, o.slot(1), o.slot(2))
  if (!compare) return undefined
  const joined = (s: Strip) => { if (third) { s.predicate(third.slot, third.negate); s.code.simd(joins[join!]) } }
  return (s) => s.withVectors(2, (yes, no) => {
    compare(s)
    s.code.set(yes)
    // Both are computed before one is written: the third may be either.
    if (q !== undefined) { s.code.get(yes).simd(simd.not); joined(s); s.code.set(no) }
    s.code.get(yes); joined(s); s.setPredicate(p)
    if (q !== undefined) { s.code.get(no); s.setPredicate(q) }
  })
}

/** Global and constant addresses are generic ones already. */
const cvta: Planner = ({ modifiers }, o) => {
  const space = modifiers[modifiers.length - 2]
  return (space === 'global' || space === 'const') && modifiers[modifiers.length - 1] === 'u64' && o.plain ? copy(o.slot(0), o.slot(1), true) : undefined
}

export const movePlanners: Planners = { mov, selp, setp, cvta }
