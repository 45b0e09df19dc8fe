// f32 arithmetic in all rounding modes with .ftz and .sat; f64 add, sub, mul and fma too (PTX ISA 9.7.3).
import type { Chapter, DecodeContext, Decoder } from '../decode.ts'
import { fma64 } from '../numeric/fma64.ts'
import { fmaf, f32Of } from '../numeric/round.ts'
import { encodeFloat, flushSubnormal, formats, saturate, sticky, sumToOdd, type Rounding } from '../numeric/small_float.ts'
import { map1, map2, map3 } from './lanes.ts'

interface Kind { type: 'f32' | 'f64'; rounding: Rounding; ftz: boolean; sat: boolean }

/** [.rn .rz .rm .rp | .approx | .full] [.ftz] [.sat] .type */
function kindOf(ctx: DecodeContext): Kind {
  const m = ctx.modifiers
  const approximate = m.oneOf(['approx', 'full'] as const)
  const rounding = approximate ? 'rn' : m.oneOf(['rn', 'rz', 'rm', 'rp'] as const) ?? 'rn'
  const ftz = m.flag('ftz')
  const sat = m.flag('sat')
  if (m.peek() === 'f32x2') ctx.error('.f32x2 needs sm_100')
  const type = m.need(['f32', 'f64'] as const, 'type')
  if (type === 'f64' && (ftz || sat)) ctx.error(`.${ftz ? 'ftz' : 'sat'} goes with .f32 only`)
  return { type, rounding, ftz, sat }
}

/** From a double that is exact or rounded to odd to what the instruction gives. */
function finish({ rounding, ftz, sat }: Kind, x: number): number {
  let r = rounding === 'rn' ? Math.fround(x) : f32Of(encodeFloat(x, formats.f32, rounding) | 0)
  // Exact zeros: x + -x is -0 when rounding down only.
  if (ftz) r = flushSubnormal(r)
  if (sat) r = saturate(r)
  return r
}

const simple = (k: Kind) => (k.rounding === 'rn' && !k.ftz && !k.sat)

/** `exact` gives a double with sticky last bit; `plain` the operation in f64, good for f64 and for f32 to nearest. */
function binary(plain: (a: number, b: number) => number, exact: (a: number, b: number) => number): Decoder {
  return (s, ctx) => {
    const k = kindOf(ctx)
    ctx.operands(3)
    const v = k.type as 'f32'
    const [d, a, b] = [ctx.dst(s.operands[0], k.type), ctx.src(s.operands[1], k.type), ctx.src(s.operands[2], k.type)]
    if (simple(k)) return { exec: map2(d, v, a, v, b, v, plain) }
    if (k.type === 'f64') {
      // Doubles in directed roundings go through the exact fma: a + b is a * 1 + b.
      const exact64: Record<string, (x: number, y: number) => number> = { add: (x, y) => fma64(x, 1, y, k.rounding), sub: (x, y) => fma64(x, 1, -y, k.rounding), mul: (x, y) => fma64(x, y, x * y < 0 || Object.is(x * y, -0) ? -0 : 0, k.rounding) }
      const directed = exact64[s.opcode] ?? ctx.error(`${s.opcode}.${k.rounding}.f64 is not emulated yet`)
      return { exec: map2(d, 'f64', a, 'f64', b, 'f64', directed) }
    }
    return { exec: map2(d, v, a, v, b, v, (x, y) => (k.ftz ? finish(k, exact(flushSubnormal(x), flushSubnormal(y))) : finish(k, exact(x, y)))) }
  }
}
function unary(plain: (a: number) => number, exact: (a: number) => number = plain): Decoder {
  return (s, ctx) => {
    const k = kindOf(ctx)
    ctx.operands(2)
    const v = k.type as 'f32'
    const [d, a] = [ctx.dst(s.operands[0], k.type), ctx.src(s.operands[1], k.type)]
    if (simple(k)) return { exec: map1(d, v, a, v, plain) }
    if (k.type === 'f64') ctx.error(`${s.opcode}.${k.rounding}.f64 is not emulated yet`)
    return { exec: map1(d, v, a, v, (x) => finish(k, exact(k.ftz ? flushSubnormal(x) : x))) }
  }
}

const quotient = (a: number, b: number) => { const q = a / b; return sticky(q, residual(a, q, b)) }
/** Sign of a / b - q: a - q b exactly, by splitting the product (Dekker). */
function residual(a: number, q: number, b: number): number {
  const p = q * b
  const split = (x: number) => { const c = 134217729 * x; const h = c - (c - x); return [h, x - h] as const }
  const [[qh, ql], [bh, bl]] = [split(q), split(b)]
  const lost = ((qh * bh - p) + qh * bl + ql * bh) + ql * bl
  return ((a - p) - lost) * Math.sign(b)
}
const root = (a: number) => { const r = Math.sqrt(a); return sticky(r, residual(a, r, r)) }

/** min and max: the operand that is a number; with .NaN a NaN wins. -0 is below +0. */
const extreme = (pick: (a: number, b: number) => number): Decoder => (s, ctx) => {
  const ftz = ctx.modifiers.flag('ftz')
  const propagate = ctx.modifiers.flag('NaN')
  const byMagnitude = ctx.modifiers.flag('xorsign')
  if (byMagnitude && !ctx.modifiers.flag('abs')) ctx.error('.xorsign goes with .abs')
  const type = ctx.modifiers.need(['f32', 'f64'] as const, 'type')
  ctx.operands(3)
  const v = type as 'f32'
  const choose = (a: number, b: number) => {
    if (a !== a) return propagate ? NaN : b
    if (b !== b) return propagate ? NaN : a
    return pick(a, b)
  }
  return {
    exec: map2(ctx.dst(s.operands[0], type), v, ctx.src(s.operands[1], type), v, ctx.src(s.operands[2], type), v, (x, y) => {
      const [a, b] = ftz ? [flushSubnormal(x), flushSubnormal(y)] : [x, y]
      if (!byMagnitude) return choose(a, b)
      const negative = (a < 0 || Object.is(a, -0)) !== (b < 0 || Object.is(b, -0))
      const r = choose(Math.abs(a), Math.abs(b))
      return negative ? -r : r
    }),
  }
}

const fma: Decoder = (s, ctx) => {
  const k = kindOf(ctx)
  ctx.operands(4)
  if (k.type === 'f64') {
    const [d, a, b, c] = [ctx.dst(s.operands[0], 'f64'), ...s.operands.slice(1).map((o) => ctx.src(o, 'f64'))]
    return { exec: map3(d, 'f64', a, 'f64', b, 'f64', c, 'f64', (x, y, z) => fma64(x, y, z, k.rounding)) }
  }
  const [d, a, b, c] = [ctx.dst(s.operands[0], 'f32'), ...s.operands.slice(1).map((o) => ctx.src(o, 'f32'))]
  if (simple(k)) return { exec: map3(d, 'f32', a, 'f32', b, 'f32', c, 'f32', fmaf) }
  const f = k.ftz ? flushSubnormal : (x: number) => x
  return { exec: map3(d, 'f32', a, 'f32', b, 'f32', c, 'f32', (x, y, z) => finish(k, sumToOdd(f(x) * f(y), f(z)))) }
}

const sign = (bits: (x: number) => number): Decoder => (s, ctx) => {
  const ftz = ctx.modifiers.flag('ftz')
  const type = ctx.modifiers.need(['f32', 'f64'] as const, 'type')
  ctx.operands(2)
  const [d, a] = [ctx.dst(s.operands[0], type), ctx.src(s.operands[1], type)]
  const flushed = (x: number) => (ftz && (x & 0x7f800000) === 0 ? x & 0x80000000 : x)
  if (type === 'f32') return { exec: map1(d, 'i32', a, 'i32', (x) => bits(flushed(x))) }
  const top = 1n << 63n
  return { exec: map1(d, 'u64', a, 'u64', bits(0) === 0 ? (x) => x & ~top : (x) => x ^ top) }
}

const keys: Record<string, Decoder> = {
  add: binary((a, b) => a + b, sumToOdd),
  sub: binary((a, b) => a - b, (a, b) => sumToOdd(a, -b)),
  mul: binary((a, b) => a * b, (a, b) => a * b),
  div: binary((a, b) => a / b, quotient),
  min: extreme(Math.min),
  max: extreme(Math.max),
  fma,
  mad: fma,
  sqrt: unary(Math.sqrt, root),
  rcp: unary((a) => 1 / a, (a) => quotient(1, a)),
  rsqrt: unary((a) => 1 / Math.sqrt(a)),
  ex2: unary((a) => 2 ** a),
  lg2: unary(Math.log2),
  sin: unary(Math.sin),
  cos: unary(Math.cos),
  tanh: unary(Math.tanh),
  neg: sign((x) => x ^ 0x80000000),
  abs: sign((x) => x & 0x7fffffff),
}
/** Keyed by opcode and type, since integer chapters have the same opcodes. */
export const float: Chapter = Object.fromEntries(Object.entries(keys).flatMap(([opcode, decoder]) => [[`${opcode} f32`, decoder], [`${opcode} f64`, decoder]]))
