// f32 and f64 arithmetic in all rounding modes with .ftz and .sat (PTX ISA 9.7.3). NaN results have the hardware's one pattern.
import type { DecodeContext, Decoded, Statement } from '../decode.ts'
import type { Exec, Slot } from '../machine.ts'
import { add64, div64, fma64, mul64, sqrt64 } from '../numeric/exact64.ts'
import { approximations, type Approximation } from '../numeric/approximate.ts'
import { canonicalNaN, f32Bits, f32Of, fmaf, roundF32, zeroOfSum } from '../numeric/round.ts'
import { flushSubnormal, saturate, sticky, sumToOdd, type Rounding } from '../numeric/small_float.ts'
import { form, type FormDecoder, type Forms, type Match } from './forms.ts'
import { map1, map2 } from './lanes.ts'

type F1 = (a: number) => number
type F2 = (a: number, b: number) => number
type F3 = (a: number, b: number, c: number) => number

/** d = f(sources) of f32; a NaN becomes the canonical one. */
function map32(d: Slot, sources: readonly Slot[], f: F3): Exec {
  const [a, b, c] = [sources[0], sources[1] ?? sources[0], sources[2] ?? sources[0]]
  return (w, mask) => {
    const { f32, i32 } = w.machine.memory
    const [to, x, y, z] = [(w.base + d) >> 2, (w.base + a) >> 2, (w.base + b) >> 2, (w.base + c) >> 2]
    for (let lane = 0, m = mask; m !== 0; lane++, m >>>= 1) {
      if (!(m & 1)) continue
      const r = f(f32[x + lane], f32[y + lane], f32[z + lane])
      if (r === r) f32[to + lane] = r
      else i32[to + lane] = canonicalNaN
    }
  }
}
/** The same of f64, whose NaN is negative. */
function map64(d: Slot, sources: readonly Slot[], f: F3): Exec {
  const [a, b, c] = [sources[0], sources[1] ?? sources[0], sources[2] ?? sources[0]]
  return (w, mask) => {
    const { f64, u32 } = w.machine.memory
    const [to, x, y, z] = [(w.base + d) >> 3, (w.base + a) >> 3, (w.base + b) >> 3, (w.base + c) >> 3]
    for (let lane = 0, m = mask; m !== 0; lane++, m >>>= 1) {
      if (!(m & 1)) continue
      const r = f(f64[x + lane], f64[y + lane], f64[z + lane])
      if (r === r) f64[to + lane] = r
      else { u32[2 * (to + lane)] = 0; u32[2 * (to + lane) + 1] = 0xfff80000 }
    }
  }
}

function slots(s: Statement, ctx: DecodeContext, type: string, sources: number): [Slot, Slot[]] {
  ctx.operands(sources + 1)
  const d = ctx.dst(s.operands[0], type)
  return [d, s.operands.slice(1).map((o) => ctx.src(o, type))]
}

const roundingOf = (m: Match): Rounding => m.one('rn', 'rz', 'rm', 'rp') ?? 'rn'

/**
 * f32 of `sources` operands: `plain` rounds to nearest by itself when stored, `exact` gives a double that is exact or rounded to
 * odd, for the other modes.
 */
const single = (sources: number, plain: F3, exact: (mode: Rounding) => F3): FormDecoder => (m, s, ctx) => {
  const [d, from] = slots(s, ctx, 'f32', sources)
  const mode = roundingOf(m)
  const rounded: F3 = mode === 'rn' ? plain : (() => { const e = exact(mode); return (a, b, c) => roundF32(e(a, b, c), mode) })()
  return { exec: map32(d, from, dressed(m, rounded)) }
}
/** With .ftz on sources and result, and .sat. */
function dressed(m: Match, f: F3): F3 {
  const [ftz, sat] = [m.has('ftz'), m.has('sat')]
  if (!ftz && !sat) return f
  const end: F1 = ftz && sat ? (x) => saturate(flushSubnormal(Math.fround(x))) : ftz ? (x) => flushSubnormal(Math.fround(x)) : saturate
  return ftz ? (a, b, c) => end(f(flushSubnormal(a), flushSubnormal(b), flushSubnormal(c))) : (a, b, c) => end(f(a, b, c))
}
const double = (sources: number, f: (mode: Rounding) => F3): FormDecoder => (m, s, ctx) => {
  const [d, from] = slots(s, ctx, 'f64', sources)
  return { exec: map64(d, from, f(roundingOf(m))) }
}

/** A sum in a directed mode: a cancelled one has the mode's zero. */
const oddSum = (mode: Rounding): F2 => (a, b) => { const r = sumToOdd(a, b); return r === 0 && mode === 'rm' ? zeroOfSum(a, b) : r }
/** Sign of a / b - q: a - q b exactly, by splitting the product (Dekker). */
function residual(a: number, q: number, b: number): number {
  const p = q * b
  const split = (x: number) => { const c = 134217729 * x; const h = c - (c - x); return [h, x - h] as const }
  const [[qh, ql], [bh, bl]] = [split(q), split(b)]
  const lost = ((qh * bh - p) + qh * bl + ql * bh) + ql * bl
  return ((a - p) - lost) * Math.sign(b)
}
const quotient: F2 = (a, b) => { const q = a / b; return sticky(q, residual(a, q, b)) }
const root: F1 = (a) => { const r = Math.sqrt(a); return sticky(r, residual(a, r, r)) }

const rounding = 'rn|rz|rm|rp'
/** [.rnd] optional for add, sub and mul; needed for the rest. */
const arithmetic = (sources: number, optional: boolean, plain: F3, exact: (mode: Rounding) => F3, wide: (mode: Rounding) => F3, sat = 'sat?') => [
  form(`${rounding}${optional ? '?' : ''} ftz? ${sat} .f32`, single(sources, plain, exact)),
  form(`${rounding}${optional ? '?' : ''} .f64`, double(sources, wide)),
]
const fma = (needs = {}) => [
  form(`${rounding} ftz? sat? .f32`, single(3, fmaf, (mode) => { const sum = oddSum(mode); return (a, b, c) => sum(a * b, c) }), needs),
  form(`${rounding} .f64`, double(3, (mode) => (a, b, c) => fma64(a, b, c, mode))),
]

/** The approximate f32 functions; the results of `f` lie inside the ISA's bounds. */
const approximate = (f: Approximation): FormDecoder => (m, s, ctx) => {
  const [d, from] = slots(s, ctx, 'f32', f.length)
  return { exec: map32(d, from, dressed(m, f as F3)) }
}
const approximateDouble = (f: F1): FormDecoder => (_m, s, ctx) => { const [d, from] = slots(s, ctx, 'f64', 1); return { exec: map64(d, from, f) } }

/** min and max: the operand that is a number; with .NaN a NaN wins. -0 is below +0. */
const extreme = (pick: F2): FormDecoder => (m, s, ctx) => {
  const [d, from] = slots(s, ctx, m.type, 2)
  const [nan, ftz] = [m.has('NaN'), m.has('ftz')]
  const choose: F2 = (a, b) => (a === a && b === b ? pick(a, b) : nan ? NaN : a !== a ? b : a)
  if (m.type === 'f64') return { exec: map64(d, from, choose) }
  const flushed: F2 = ftz ? (a, b) => choose(flushSubnormal(a), flushSubnormal(b)) : choose
  if (!m.has('xorsign')) return { exec: map32(d, from, flushed) }
  // The sign comes from both sign bits, those of NaN too, which a number does not show.
  return { exec: map2(d, 'i32', from[0], 'i32', from[1], 'i32', (x, y) => { const r = flushed(f32Of(x & 0x7fffffff), f32Of(y & 0x7fffffff)); return r === r ? f32Bits(r) ^ ((x ^ y) & 0x80000000) : canonicalNaN }) }
}
const extremes = (pick: F2) => [
  form('ftz? .f32', extreme(pick)), form('.f64', extreme(pick)),
  form('ftz? NaN .f32', extreme(pick), { ptx: 7.0, sm: 80 }),
  form('ftz? NaN? xorsign abs .f32', extreme(pick), { ptx: 7.2, sm: 86 }),
]

/** neg and abs change the sign bit only. */
const sign = (clear: boolean): FormDecoder => (m, s, ctx) => {
  const [d, [a]] = slots(s, ctx, m.type, 1)
  const ftz = m.has('ftz')
  const change = clear ? (x: number) => x & 0x7fffffff : (x: number) => x ^ 0x80000000
  if (m.type === 'f32') return { exec: map1(d, 'i32', a, 'i32', ftz ? (x) => change((x & 0x7f800000) === 0 ? x & 0x80000000 : x) : change) }
  return { exec: onWords(d, [a], (low, high) => [low, change(high)]) }
}
/** f64 as two words. */
function onWords(d: Slot, sources: readonly Slot[], f: (low: number, high: number, otherHigh: number) => readonly [number, number]): Exec {
  return (w, mask) => {
    const { i32 } = w.machine.memory
    const [to, x, y] = [(w.base + d) >> 2, (w.base + sources[0]) >> 2, (w.base + (sources[1] ?? sources[0])) >> 2]
    for (let lane = 0, m = mask; m !== 0; lane++, m >>>= 1) if (m & 1) [i32[to + 2 * lane], i32[to + 2 * lane + 1]] = f(i32[x + 2 * lane], i32[x + 2 * lane + 1], i32[y + 2 * lane + 1])
  }
}

/** b with the sign of a. */
const copysign: FormDecoder = (m, s, ctx) => {
  const [d, [a, b]] = slots(s, ctx, m.type, 2)
  if (m.type === 'f32') return { exec: map2(d, 'i32', a, 'i32', b, 'i32', (x, y) => (x & 0x80000000) | (y & 0x7fffffff)) }
  return { exec: onWords(d, [b, a], (low, high, from) => [low, (from & 0x80000000) | (high & 0x7fffffff)]) }
}

const tests: Readonly<Record<string, (x: number, leastNormal: number) => boolean>> = {
  finite: (x) => Number.isFinite(x), infinite: (x) => Math.abs(x) === Infinity, number: (x) => x === x, notanumber: (x) => x !== x,
  // The ISA counts zeros as normal.
  normal: (x, least) => Number.isFinite(x) && (Math.abs(x) >= least || x === 0),
  subnormal: (x, least) => Math.abs(x) < least && x !== 0,
}
const testp = (m: Match, s: Statement, ctx: DecodeContext): Decoded => {
  ctx.operands(2)
  const [p, a] = [ctx.dst(s.operands[0], 'pred'), ctx.src(s.operands[1], m.type)]
  const test = tests[m.one(...Object.keys(tests))!]
  const [least, shift] = m.type === 'f32' ? [2 ** -126, 2] : [2 ** -1022, 3]
  return {
    exec(w, mask) {
      const { memory } = w.machine
      const values = m.type === 'f32' ? memory.f32 : memory.f64
      const at = (w.base + a) >> shift
      let bits = 0
      for (let lane = 0, left = mask; left !== 0; lane++, left >>>= 1) if (left & 1 && test(values[at + lane], least)) bits |= 1 << lane
      memory.i32[(w.base + p) >> 2] = (memory.i32[(w.base + p) >> 2] & ~mask) | bits
    },
  }
}

const { divApprox, divFull, rcp, sqrt, rsqrt, sin, cos, lg2, ex2, tanh, rcpDouble, rsqrtDouble, rsqrtFull } = approximations
export const float: Forms = {
  add: arithmetic(2, true, (a, b) => a + b, oddSum, (mode) => (a, b) => add64(a, b, mode)),
  sub: arithmetic(2, true, (a, b) => a - b, (mode) => { const sum = oddSum(mode); return (a, b) => sum(a, -b) }, (mode) => (a, b) => add64(a, -b, mode)),
  mul: arithmetic(2, true, (a, b) => a * b, () => (a, b) => a * b, (mode) => (a, b) => mul64(a, b, mode)),
  fma: fma(),
  mad: fma(),
  div: [form('approx ftz? .f32', approximate(divApprox)), form('full ftz? .f32', approximate(divFull)), ...arithmetic(2, false, (a, b) => a / b, () => quotient, (mode) => (a, b) => div64(a, b, mode), '')],
  rcp: [form('approx ftz? .f32', approximate(rcp)), form('approx ftz .f64', approximateDouble(rcpDouble)), ...arithmetic(1, false, (a) => 1 / a, () => (a) => quotient(1, a), (mode) => (a) => div64(1, a, mode), '')],
  sqrt: [form('approx ftz? .f32', approximate(sqrt)), ...arithmetic(1, false, Math.sqrt, () => root, (mode) => (a) => sqrt64(a, mode), '')],
  rsqrt: [form('approx ftz? .f32', approximate(rsqrt)), form('approx ftz .f64', approximateDouble(rsqrtDouble), { ptx: 4.0 }), form('approx .f64', approximateDouble(rsqrtFull))],
  sin: [form('approx ftz? .f32', approximate(sin))],
  cos: [form('approx ftz? .f32', approximate(cos))],
  lg2: [form('approx ftz? .f32', approximate(lg2))],
  ex2: [form('approx ftz? .f32', approximate(ex2))],
  tanh: [form('approx .f32', approximate(tanh), { ptx: 7.0, sm: 75 })],
  min: extremes(Math.min),
  max: extremes(Math.max),
  neg: [form('ftz? .f32', sign(false)), form('.f64', sign(false))],
  abs: [form('ftz? .f32', sign(true)), form('.f64', sign(true))],
  copysign: [form('.f32|f64', copysign)],
  testp: [form(`${Object.keys(tests).join('|')} .f32|f64`, testp)],
}
