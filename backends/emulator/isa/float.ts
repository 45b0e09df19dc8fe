// f32 and f64 arithmetic, rounded to nearest even; the other roundings, .ftz and .sat are refused by name until they are done.
// (PTX ISA 9.7.3)
import type { Chapter, DecodeContext, Decoder } from '../decode.ts'
import { fmaf } from '../numeric/round.ts'
import { map1, map2, map3, type View } from './lanes.ts'

type Type = 'f32' | 'f64'

/** Takes [.approx|.full|.rn] [.ftz] [.sat] .type. */
function typeOf(ctx: DecodeContext): { type: Type; approx: boolean } {
  const approx = ctx.modifiers.oneOf(['approx', 'full'] as const) !== undefined
  if (!approx) ctx.modifiers.oneOf(['rn'] as const)
  const later = ctx.modifiers.peek()
  if (later === 'rz' || later === 'rm' || later === 'rp' || later === 'ftz' || later === 'sat') ctx.error(`.${later} of f32 and f64 is not emulated yet`)
  return { type: ctx.modifiers.need(['f32', 'f64'] as const, 'type'), approx }
}

/** NaN results are the canonical one: written as bits. */
const clean = (x: number) => x
const viewOf = (type: Type): View => type

const binary = (f: (a: number, b: number) => number): Decoder => (s, ctx) => {
  const { type } = typeOf(ctx)
  ctx.operands(3)
  const v = viewOf(type) as 'f32'
  return { exec: map2(ctx.dst(s.operands[0], type), v, ctx.src(s.operands[1], type), v, ctx.src(s.operands[2], type), v, (a, b) => clean(f(a, b))) }
}
const unary = (f: (a: number) => number): Decoder => (s, ctx) => {
  const { type } = typeOf(ctx)
  ctx.operands(2)
  const v = viewOf(type) as 'f32'
  return { exec: map1(ctx.dst(s.operands[0], type), v, ctx.src(s.operands[1], type), v, f) }
}

/** min and max: the operand that is a number; with .NaN a NaN wins. -0 is below +0. */
const extreme = (pick: (a: number, b: number) => number): Decoder => (s, ctx) => {
  if (ctx.modifiers.peek() === 'ftz') ctx.error('.ftz is not emulated yet')
  const propagate = ctx.modifiers.flag('NaN')
  const type = ctx.modifiers.need(['f32', 'f64'] as const, 'type')
  ctx.operands(3)
  const v = type as 'f32'
  return {
    exec: map2(ctx.dst(s.operands[0], type), v, ctx.src(s.operands[1], type), v, ctx.src(s.operands[2], type), v, (a, b) => {
      if (a !== a) return propagate ? NaN : b
      if (b !== b) return propagate ? NaN : a
      return pick(a, b)
    }),
  }
}

/** fma of f64 in one rounding needs more than f64 has. */
const fma: Decoder = (s, ctx) => {
  const { type } = typeOf(ctx)
  if (type === 'f64') ctx.error('fma.f64 is not emulated yet')
  ctx.operands(4)
  const [d, a, b, c] = [ctx.dst(s.operands[0], 'f32'), ...s.operands.slice(1).map((o) => ctx.src(o, 'f32'))]
  return { exec: map3(d, 'f32', a, 'f32', b, 'f32', c, 'f32', fmaf) }
}

const sign = (bits: (x: number) => number): Decoder => (s, ctx) => {
  if (ctx.modifiers.peek() === 'ftz') ctx.error('.ftz is not emulated yet')
  const type = ctx.modifiers.need(['f32', 'f64'] as const, 'type')
  ctx.operands(2)
  const [d, a] = [ctx.dst(s.operands[0], type), ctx.src(s.operands[1], type)]
  if (type === 'f32') return { exec: map1(d, 'i32', a, 'i32', bits) }
  const top = 1n << 63n
  return { exec: map1(d, 'u64', a, 'u64', bits(0) === 0 ? (x) => x & ~top : (x) => x ^ top) }
}

const keys: Record<string, Decoder> = {
  add: binary((a, b) => a + b),
  sub: binary((a, b) => a - b),
  mul: binary((a, b) => a * b),
  div: binary((a, b) => a / b),
  min: extreme(Math.min),
  max: extreme(Math.max),
  fma,
  mad: fma,
  sqrt: unary(Math.sqrt),
  rcp: unary((a) => 1 / a),
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
