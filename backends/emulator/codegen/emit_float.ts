// f32 arithmetic as SIMD, rounded to nearest even. An fma goes through f64 and is repaired where two roundings could differ
// from one (ptx-isa-notes 2.10); that case, and .ftz, .sat and the other roundings, are the interpreter's.
import type { Statement } from '../ast.ts'
import { convertInteger, slotsOf, type Emit } from './emit_integer.ts'
import { load, maskOf4, store4, type Lanes } from './lanes.ts'
import { simd } from './wasm_encoder.ts'

/** What a GPU gives for an invalid operation; NaN payloads are not carried. */
const canonicalNaN = 0x7fffffff

/** Replaces NaN by the canonical one; the value is in local t and goes back on the stack. */
function canonical({ code }: Lanes, t: number): void {
  code.get(t).vConst32(canonicalNaN).get(t).get(t).simd(simd.f32x4_eq).simd(simd.bitselect)
}

const plain = (m: readonly string[]) => m.length === 1 && m[0] === 'f32'
const rounded = (m: readonly string[]) => m.length === 2 && m[0] === 'rn' && m[1] === 'f32'

/** d = code of the sources, with canonical NaN, where `form` knows the modifiers. */
function arithmetic(s: Statement, lanes: Lanes, code: number, form: (m: readonly string[]) => boolean): boolean {
  const slots = slotsOf(s, lanes)
  if (!slots || !form(s.modifiers)) return false
  const [d, ...sources] = slots
  const t = lanes.vectors[0]
  store4(lanes, d, (v) => { for (const slot of sources) load(lanes, slot, v); lanes.code.simd(code).set(t); canonical(lanes, t) })
  return true
}
const sum = (m: readonly string[]) => plain(m) || rounded(m)

/** neg and abs change the sign bit only. */
function sign(s: Statement, lanes: Lanes, clear: boolean): boolean {
  const slots = slotsOf(s, lanes)
  if (!slots || !plain(s.modifiers)) return false
  store4(lanes, slots[0], (v) => {
    load(lanes, slots[1], v)
    if (clear) lanes.code.vConst32(0x7fffffff).simd(simd.and)
    else lanes.code.vConst32(0x80000000 | 0).simd(simd.xor)
  })
  return true
}

/** min and max give the operand that is a number; -0 is less than +0, as wasm has it. */
function extreme(s: Statement, lanes: Lanes, code: number): boolean {
  const slots = slotsOf(s, lanes)
  if (!slots || !plain(s.modifiers)) return false
  const [d, a, b] = slots
  const { code: c, vectors: [x, y, r] } = lanes
  store4(lanes, d, (v) => {
    load(lanes, a, v); c.set(x)
    load(lanes, b, v); c.set(y)
    c.get(x).get(y).simd(code).set(r)
    // Where y is NaN take x, where x is NaN take y; both NaN ends at the canonical one.
    c.get(r).get(x).get(y).get(y).simd(simd.f32x4_eq).simd(simd.bitselect)
    c.get(y).get(x).get(x).simd(simd.f32x4_eq).simd(simd.bitselect).set(r)
    canonical(lanes, r)
  })
  return true
}

const high = [8, 9, 10, 11, 12, 13, 14, 15, 8, 9, 10, 11, 12, 13, 14, 15]
const joinLow = [0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23]

/**
 * d = a * b + c rounded once. The product is exact in f64, the sum is rounded to f64 and then to f32: wrong only where the
 * f64 sum ends on a midpoint of f32 (low 29 bits 0x10000000), or the result is subnormal, whose midpoints lie higher. All
 * eight results wait in locals until no lane is in doubt.
 */
function fma(s: Statement, lanes: Lanes): boolean {
  const slots = slotsOf(s, lanes)
  if (!slots || !rounded(s.modifiers)) return false
  const [d, a, b, c] = slots
  const { code, vectors, base, mask } = lanes
  const results = vectors.slice(0, 8)
  const [x, y, z, low, doubt] = vectors.slice(8, 13)
  const half = (upper: boolean) => {
    for (const t of [x, y]) { code.get(t); if (upper) code.shuffleSelf(high); code.simd(simd.f64x2_promote_low_f32x4) }
    code.simd(simd.f64x2_mul).get(z)
    if (upper) code.shuffleSelf(high)
    code.simd(simd.f64x2_promote_low_f32x4).simd(simd.f64x2_add).set(low)
    code.get(doubt).get(low).vConst64(0x1fffffffn).simd(simd.and).vConst64(0x10000000n).simd(simd.i64x2_eq).simd(simd.or).set(doubt)
    code.get(low).simd(simd.f32x4_demote_f64x2_zero)
  }
  code.vConst32(0).set(doubt)
  for (let v = 0; v < 8; v++) {
    load(lanes, a, v); code.set(x)
    load(lanes, b, v); code.set(y)
    load(lanes, c, v); code.set(z)
    half(false); half(true)
    code.shuffle(joinLow).set(results[v])
    code.get(doubt).get(results[v]).vConst32(0x7fffffff).simd(simd.and).vConst32(1).simd(simd.i32x4_sub).vConst32(0x007fffff).simd(simd.i32x4_lt_u).simd(simd.or).set(doubt)
  }
  code.get(doubt).simd(simd.any_true).if()
  lanes.interpret()
  code.else()
  for (let v = 0; v < 8; v++) {
    code.get(base)
    canonical(lanes, results[v])
    if (mask !== null) { code.get(base).vLoad(d + 16 * v); maskOf4(lanes, v); code.simd(simd.bitselect) }
    code.vStore(d + 16 * v)
  }
  code.end()
  return true
}

/** cvt between f32 and 32-bit integers, and the integer conversions. */
function convert(s: Statement, lanes: Lanes): boolean {
  const m = s.modifiers
  const slots = slotsOf(s, lanes)
  if (!slots) return false
  const unary = (code: number) => { store4(lanes, slots[0], (v) => { load(lanes, slots[1], v); lanes.code.simd(code) }); return true }
  if (m.length === 3 && m[0] === 'rn' && m[1] === 'f32' && m[2] === 's32') return unary(simd.f32x4_convert_i32x4_s)
  if (m.length === 3 && m[0] === 'rn' && m[1] === 'f32' && m[2] === 'u32') return unary(simd.f32x4_convert_i32x4_u)
  if (m.length === 3 && m[0] === 'rzi' && m[1] === 's32' && m[2] === 'f32') return unary(simd.i32x4_trunc_sat_f32x4_s)
  if (m.length === 3 && m[0] === 'rzi' && m[1] === 'u32' && m[2] === 'f32') return unary(simd.i32x4_trunc_sat_f32x4_u)
  return convertInteger(s, lanes)
}

export const floatEmitters: Readonly<Record<string, Emit>> = {
  add: (s, l) => arithmetic(s, l, simd.f32x4_add, sum),
  sub: (s, l) => arithmetic(s, l, simd.f32x4_sub, sum),
  mul: (s, l) => arithmetic(s, l, simd.f32x4_mul, sum),
  // Rounded correctly, as .rn asks; the approximate and full forms are the interpreter's.
  div: (s, l) => arithmetic(s, l, simd.f32x4_div, rounded),
  sqrt: (s, l) => arithmetic(s, l, simd.f32x4_sqrt, rounded),
  neg: (s, l) => sign(s, l, false),
  abs: (s, l) => sign(s, l, true),
  min: (s, l) => extreme(s, l, simd.f32x4_min),
  max: (s, l) => extreme(s, l, simd.f32x4_max),
  fma,
  mad: fma,
  cvt: convert,
}
