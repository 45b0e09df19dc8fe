// Integer arithmetic and logic (PTX ISA 9.7.1, 9.7.8). Carries, saturation, video and 64-bit division are the interpreter's.
import { cut, highWords, integerType, load, type Emit, type IntegerType, type Operands, type Planner, type Planners } from './plan.ts'
import type { Strip } from './strip.ts'
import { supportIndex, type SupportName } from './support.ts'
import { simd } from './wasm_encoder.ts'

/** The only modifier, as an integer type. */
function onlyType(modifiers: readonly string[], sizes?: readonly number[]): IntegerType | undefined {
  return modifiers.length === 1 ? integerType(modifiers[0], sizes) : undefined
}

/** d = what `word` or `long` leave of the values a and b on the stack. */
function two(o: Operands, type: IntegerType, word: ((s: Strip) => void) | undefined, long: ((s: Strip) => void) | undefined): Emit | undefined {
  const [d, a, b] = [o.slot(0), o.slot(1), o.slot(2)]
  if (type.bits < 64) return word && ((s) => { load(s, a, type); load(s, b, type); word(s); cut(s, type); s.set32(d) })
  return long && ((s) => { for (const half of [0, 1]) { s.get64(a, half); s.get64(b, half); long(s); s.set64(d, half) } })
}
const code = (n: number) => (s: Strip) => { s.code.simd(n) }

const binary = (word: number, long: number): Planner => ({ modifiers }, o) => {
  const type = onlyType(modifiers)
  return type && o.plain && o.count === 3 ? two(o, type, code(word), code(long)) : undefined
}

/** min and max: 64-bit ones by comparison, which SIMD has for signed numbers. */
const extreme = (signed: number, unsigned: number, less: boolean): Planner => ({ modifiers }, o) => {
  const type = onlyType(modifiers)
  if (!type || !o.plain) return undefined
  if (type.bits < 64) return two(o, type, code(type.signed ? signed : unsigned), undefined)
  return two(o, type, undefined, (s) => s.withVectors(2, (x, y) => {
    s.code.set(y).set(x).get(x).get(y)
    compareLongs(s, x, y, type.signed, less ? simd.i64x2_lt_s : simd.i64x2_gt_s)
    s.code.simd(simd.bitselect)
  }))
}
/** Flipping the top bits orders unsigned numbers as signed ones. */
export function compareLongs({ code: c }: Strip, x: number, y: number, signed: boolean, comparison: number): void {
  for (const local of [x, y]) { c.get(local); if (!signed) c.vConst64(1n << 63n).simd(simd.xor) }
  c.simd(comparison)
}

/** Logic, on predicates too: those are vectors like the rest. */
const logic = (operation: number): Planner => ({ modifiers }, o) => {
  const type = onlyType(modifiers)
  if (type) return o.plain ? two(o, type, code(operation), code(operation)) : undefined
  const [a, b] = [o.predicate(1), o.predicate(2)]
  if (modifiers[0] !== 'pred' || !a || !b) return undefined
  const d = o.slot(0)
  return (s) => { s.predicate(a.slot, a.negate); s.predicate(b.slot, b.negate); s.code.simd(operation); s.setPredicate(d) }
}

/** d = word or long of one source. */
function one(o: Operands, type: IntegerType, word: (s: Strip) => void, long: (s: Strip) => void): Emit {
  const [d, a] = [o.slot(0), o.slot(1)]
  if (type.bits < 64) return (s) => { load(s, a, type); word(s); cut(s, type); s.set32(d) }
  return (s) => { for (const half of [0, 1]) { s.get64(a, half); long(s); s.set64(d, half) } }
}
const unary = (word: number, long: number): Planner => ({ modifiers }, o) => {
  const type = onlyType(modifiers)
  return type && o.plain ? one(o, type, code(word), code(long)) : undefined
}
const not: Planner = ({ modifiers }, o) => {
  if (modifiers[0] !== 'pred') return unary(simd.not, simd.not)({ modifiers } as Parameters<Planner>[0], o)
  const [d, p] = [o.slot(0), o.predicate(1)]
  return p && ((s) => { s.predicate(p.slot, !p.negate); s.setPredicate(d) })
}

/** The whole products of words as longs of one half, on the stack. */
function wideProduct(s: Strip, a: number, b: number, signed: boolean, half: number): void {
  s.get32(a); s.get32(b)
  s.code.simd(signed ? (half ? simd.i64x2_extmul_high_i32x4_s : simd.i64x2_extmul_low_i32x4_s) : (half ? simd.i64x2_extmul_high_i32x4_u : simd.i64x2_extmul_low_i32x4_u))
}

/** mul and mad: .lo, .hi (not of 64 bits) and .wide. */
const product = (plus: boolean): Planner => ({ modifiers }, o) => {
  const [part, name] = modifiers
  const type = modifiers.length === 2 ? integerType(name) : undefined
  if (!type || !o.plain || o.count !== (plus ? 4 : 3)) return undefined
  const [d, a, b] = [o.slot(0), o.slot(1), o.slot(2)]
  const c = plus ? o.slot(3) : undefined
  const add32 = (s: Strip) => { if (c !== undefined) { s.get32(c); s.code.simd(simd.i32x4_add) } }
  if (part === 'lo' && type.bits < 64) return (s) => { load(s, a, type); load(s, b, type); s.code.simd(simd.i32x4_mul); add32(s); cut(s, type); s.set32(d) }
  if (part === 'lo') return (s) => { for (const h of [0, 1]) { s.get64(a, h); s.get64(b, h); s.code.simd(simd.i64x2_mul); if (c !== undefined) { s.get64(c, h); s.code.simd(simd.i64x2_add) } s.set64(d, h) } }
  if (type.bits === 64) return undefined
  if (part === 'wide' && type.bits === 32) return (s) => { for (const h of [0, 1]) { wideProduct(s, a, b, type.signed, h); if (c !== undefined) { s.get64(c, h); s.code.simd(simd.i64x2_add) } s.set64(d, h) } }
  if (part === 'wide') return (s) => { load(s, a, type); load(s, b, type); s.code.simd(simd.i32x4_mul); add32(s); s.set32(d) }
  if (part !== 'hi') return undefined
  if (type.bits === 32) return (s) => { wideProduct(s, a, b, type.signed, 0); wideProduct(s, a, b, type.signed, 1); s.code.shuffle(highWords); add32(s); s.set32(d) }
  return (s) => { load(s, a, type); load(s, b, type); s.code.simd(simd.i32x4_mul).i32(16).simd(type.signed ? simd.i32x4_shr_s : simd.i32x4_shr_u); add32(s); cut(s, type); s.set32(d) }
}

/** Division has no SIMD form: lane by lane. */
const division = (signed: SupportName, unsigned: SupportName): Planner => ({ modifiers }, o) => {
  const type = onlyType(modifiers, [16, 32])
  return type && o.plain ? two(o, type, (s) => { s.code.call(supportIndex(type.signed ? signed : unsigned)) }, undefined) : undefined
}

const abs: Planner = unary(simd.i32x4_abs, simd.i64x2_abs)
const neg: Planner = unary(simd.i32x4_neg, simd.i64x2_neg)

export const integerPlanners: Planners = {
  add: binary(simd.i32x4_add, simd.i64x2_add),
  sub: binary(simd.i32x4_sub, simd.i64x2_sub),
  min: extreme(simd.i32x4_min_s, simd.i32x4_min_u, true),
  max: extreme(simd.i32x4_max_s, simd.i32x4_max_u, false),
  and: logic(simd.and),
  or: logic(simd.or),
  xor: logic(simd.xor),
  not, abs, neg,
  mul: product(false),
  mad: product(true),
  div: division('divS', 'divU'),
  rem: division('remS', 'remU'),
}
