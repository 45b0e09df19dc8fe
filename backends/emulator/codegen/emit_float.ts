// f32 arithmetic rounded to nearest even, with .ftz and .sat (PTX ISA 9.7.3). What approximates here rounds correctly, as in the
// interpreter. Other roundings and transcendental functions are the interpreter's.
import type { Operands, Planner, Planners } from './plan.ts'
import type { Strip } from './strip.ts'
import { fusesMultiplyAdd, supportIndex } from './support.ts'
import { simd } from './wasm_encoder.ts'

/** What a GPU gives for an invalid operation; NaN payloads are not carried. */
const canonicalNaN = 0x7fffffff

/** The value on the stack, NaN replaced by the canonical one. */
export function canonical(s: Strip): void {
  s.withVectors(1, (t) => { s.code.set(t).get(t).vConst32(canonicalNaN).get(t).get(t).simd(simd.f32x4_eq).simd(simd.bitselect) })
}

/** Subnormals become the zero of their sign. */
export function flush(s: Strip): void {
  s.withVectors(1, (t) => { s.code.set(t).get(t).vConst32(0x80000000 | 0).simd(simd.and).get(t).get(t).vConst32(0x7f800000).simd(simd.and).vConst32(0).simd(simd.i32x4_eq).simd(simd.bitselect) })
}

/** Into [0, 1]; NaN and -0 to 0. */
function saturate(s: Strip): void {
  s.withVectors(1, (t) => {
    s.code.set(t)
    // pmax(0, x) is 0 where x is no number or -0.
    s.code.vConst32(0).get(t).simd(simd.f32x4_pmax).vConstF32(1).simd(simd.f32x4_min)
  })
}

interface Kind { readonly ftz: boolean; readonly sat: boolean }
/** [.rn | .approx | .full] [.ftz] [.sat] .f32; `roundings`: those that the opcode may have here. */
function kindOf(modifiers: readonly string[], roundings: readonly string[]): Kind | undefined {
  let m = modifiers
  if (m.length && roundings.includes(m[0])) m = m.slice(1)
  const ftz = m[0] === 'ftz'
  if (ftz) m = m.slice(1)
  const sat = m[0] === 'sat'
  if (sat) m = m.slice(1)
  return m.length === 1 && m[0] === 'f32' ? { ftz, sat } : undefined
}

function get(s: Strip, slot: number, { ftz }: Kind): void { s.get32(slot); if (ftz) flush(s) }
function finish(s: Strip, d: number, { ftz, sat }: Kind): void {
  if (!s.exact && !ftz && !sat) { s.withVectors(1, (r) => { s.code.tee(r); s.doubtNaN(r) }); s.set32(d); return }
  if (ftz) flush(s)
  if (sat) saturate(s)
  else canonical(s)
  s.set32(d)
}

/** d = what `emit` makes of the sources on the stack. */
const arithmetic = (sources: number, roundings: readonly string[], emit: (s: Strip) => void): Planner => ({ modifiers }, o) => {
  const kind = kindOf(modifiers, roundings)
  if (!kind || !o.plain || o.count !== sources + 1) return undefined
  const slots = Array.from({ length: sources }, (_, i) => o.slot(i + 1))
  const d = o.slot(0)
  return (s) => { for (const slot of slots) get(s, slot, kind); emit(s); finish(s, d, kind) }
}
const code = (n: number) => (s: Strip) => { s.code.simd(n) }

/** neg and abs change the sign bit only, of NaN too. */
const sign = (clear: boolean): Planner => ({ modifiers }, o) => {
  const kind = kindOf(modifiers, [])
  if (!kind || kind.sat || !o.plain) return undefined
  const [d, a] = [o.slot(0), o.slot(1)]
  return (s) => {
    get(s, a, kind)
    if (clear) s.code.vConst32(0x7fffffff).simd(simd.and)
    else s.code.vConst32(0x80000000 | 0).simd(simd.xor)
    s.set32(d)
  }
}

/** min and max give the operand that is a number; -0 is less than +0, as wasm has it. */
const extreme = (operation: number): Planner => ({ modifiers }, o) => {
  const kind = kindOf(modifiers, [])
  if (!kind || kind.sat || !o.plain || o.count !== 3) return undefined
  const [d, a, b] = [o.slot(0), o.slot(1), o.slot(2)]
  return (s) => s.withVectors(3, (x, y, r) => {
    const { code: c } = s
    get(s, a, kind); c.set(x)
    get(s, b, kind); c.set(y)
    c.get(x).get(y).simd(operation).set(r)
    // Where y is NaN take x, where x is NaN take y; both NaN ends at the canonical one.
    c.get(r).get(x).get(y).get(y).simd(simd.f32x4_eq).simd(simd.bitselect).set(r)
    c.get(r).get(y).get(x).get(x).simd(simd.f32x4_eq).simd(simd.bitselect)
    canonical(s)
    s.set32(d)
  })
}

const upper = [8, 9, 10, 11, 12, 13, 14, 15, 0, 0, 0, 0, 0, 0, 0, 0]
const joinLow = [0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23]
const lowOfLongs = [0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27]

/**
 * a * b + c rounded once. Where the engine has a fused instruction that is it. Elsewhere the product is exact in f64; the sum is rounded to f64, then to f32: wrong only where the f64 sum ends
 * on a midpoint of f32 (low 29 bits 0x10000000) or the result is at most 2 ** -126, where midpoints lie higher (ptx-isa-notes
 * 2.10). Those, and NaN, which must be canonical, leave the strip in doubt.
 */
function quickFma(s: Strip, a: number, b: number, c: number): void {
  const { code } = s
  const flags = s.doubt()
  if (fusesMultiplyAdd()) {
    s.withVectors(1, (r) => {
      s.get32(a); s.get32(b); s.get32(c)
      code.simd(simd.f32x4_relaxed_madd).tee(r)
      s.doubtNaN(r)
    })
    return
  }
  const { least, most } = s.doubtfulRange()
  s.withVectors(3, (low, high, r) => {
    for (const half of [0, 1]) {
      s.getDouble(a, half); s.getDouble(b, half)
      code.simd(simd.f64x2_mul)
      s.getDouble(c, half)
      code.simd(simd.f64x2_add).tee(half ? high : low).simd(simd.f32x4_demote_f64x2_zero)
    }
    code.shuffle(joinLow).set(r)
    code.get(low).get(high).shuffle(lowOfLongs).vConst32(0x1fffffff).simd(simd.and).vConst32(0x10000000).simd(simd.i32x4_eq).get(flags).simd(simd.or).set(flags)
    // Less one, so that zero is the greatest.
    code.get(r).vConst32(0x7fffffff).simd(simd.and).tee(low).vConst32(-1).simd(simd.i32x4_add).get(least).simd(simd.i32x4_min_u).set(least)
    code.get(low).get(most).simd(simd.i32x4_max_u).set(most)
    code.get(r)
  })
}

function fma(m: readonly string[], o: Operands): ReturnType<Planner> {
  const kind = kindOf(m, ['rn'])
  if (!kind || !o.plain || o.count !== 4) return undefined
  const [d, a, b, c] = [o.slot(0), o.slot(1), o.slot(2), o.slot(3)]
  return (s) => {
    if (!s.exact && !kind.ftz && !kind.sat) { quickFma(s, a, b, c); s.set32(d); return }
    for (const slot of [a, b, c]) get(s, slot, kind)
    s.code.call(supportIndex('fmaExact'))
    finish(s, d, kind)
  }
}

/** 1 / sqrt in f64, rounded twice. */
const inverseRoot = (s: Strip) => s.withVectors(1, (t) => {
  s.code.set(t)
  for (const half of [0, 1]) {
    s.code.vConstF64(1).get(t)
    if (half) s.code.get(t).shuffle(upper)
    s.code.simd(simd.f64x2_promote_low_f32x4).simd(simd.f64x2_sqrt).simd(simd.f64x2_div).simd(simd.f32x4_demote_f64x2_zero)
  }
  s.code.shuffle(joinLow)
})
/** 1 / what is on the stack. */
const inverse = (s: Strip) => s.withVectors(1, (t) => { s.code.set(t).vConstF32(1).get(t).simd(simd.f32x4_div) })

/** A divisor above 2 ** 126 gives a zero of the quotient's sign, or NaN for an infinite dividend. */
function approximateQuotient(m: readonly string[], o: Operands): ReturnType<Planner> {
  const kind = kindOf(m, ['approx'])
  if (!kind || !o.plain || o.count !== 3) return undefined
  const [d, a, b] = [o.slot(0), o.slot(1), o.slot(2)]
  return (s) => s.withVectors(2, (x, y) => {
    const { code: c } = s
    get(s, a, kind); c.set(x)
    get(s, b, kind); c.set(y)
    c.get(x).get(y).vConst32(0x80000000 | 0).simd(simd.and).simd(simd.f32x4_mul).get(x).get(y).simd(simd.f32x4_div)
    const magnitude = () => c.get(y).simd(simd.f32x4_abs)
    magnitude(); c.vConst32(0x7e800000).simd(simd.f32x4_gt); magnitude(); c.vConst32(0x7f800000).simd(simd.f32x4_lt).simd(simd.and).simd(simd.bitselect)
    finish(s, d, kind)
  })
}

export const floatPlanners: Planners = {
  add: arithmetic(2, ['rn'], code(simd.f32x4_add)),
  sub: arithmetic(2, ['rn'], code(simd.f32x4_sub)),
  mul: arithmetic(2, ['rn'], code(simd.f32x4_mul)),
  div: (s, o) => (s.modifiers[0] === 'approx' ? approximateQuotient(s.modifiers, o) : arithmetic(2, ['rn', 'full'], code(simd.f32x4_div))(s, o)),
  sqrt: arithmetic(1, ['rn', 'approx'], code(simd.f32x4_sqrt)),
  ex2: arithmetic(1, ['approx'], (s) => { s.code.call(supportIndex('ex2')) }),
  rsqrt: arithmetic(1, ['approx'], inverseRoot),
  rcp: arithmetic(1, ['rn', 'approx'], inverse),
  neg: sign(false),
  abs: sign(true),
  min: extreme(simd.f32x4_min),
  max: extreme(simd.f32x4_max),
  fma: ({ modifiers }, o) => fma(modifiers, o),
  mad: ({ modifiers }, o) => fma(modifiers, o),
}
