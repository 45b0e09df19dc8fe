// f16, bf16 and their pairs in one 32-bit register: arithmetic with one rounding to nearest even (PTX ISA 9.7.4).
import type { Chapter, DecodeContext, Decoder } from '../decode.ts'
import { decodeFloat, encodeFloat, flushSubnormal, formats, relu, saturate, sumToOdd } from '../numeric/small_float.ts'
import { map1, map2, map3 } from './lanes.ts'

type Type = 'f16' | 'f16x2' | 'bf16' | 'bf16x2'
const types = ['f16', 'f16x2', 'bf16', 'bf16x2'] as const

interface Kind { type: Type; register: 'b16' | 'b32'; read(word: number, i: number): number; write(x: number): number; count: number }

/** [.rn] [.ftz] [.sat] [.relu] .type */
function kindOf(ctx: DecodeContext, own: readonly string[] = []): Kind & { nan: boolean } {
  const m = ctx.modifiers
  m.oneOf(['rn', 'approx'] as const)
  const ftz = m.flag('ftz')
  const sat = m.flag('sat')
  const nan = own.includes('NaN') && m.flag('NaN')
  const clamps = m.flag('relu')
  if (m.peek() === 'oob') ctx.error('.oob is not emulated yet')
  const type = m.need(types, 'type')
  const count = type.endsWith('x2') ? 2 : 1
  const f = type.startsWith('bf16') ? formats.bf16 : formats.f16
  const least = 2 ** (1 - f.bias)
  const flush = (x: number) => (ftz ? flushSubnormal(x, least) : x)
  return {
    type, count, nan, register: count === 2 ? 'b32' : 'b16',
    read: (word, i) => flush(decodeFloat((word >>> (16 * i)) & 0xffff, f)),
    write(x) {
      let r = flush(x)
      if (sat) r = saturate(r)
      if (clamps) r = relu(r)
      return encodeFloat(r, f)
    },
  }
}

const pack = (k: Kind, f: (i: number) => number) => (k.count === 2 ? k.write(f(0)) | (k.write(f(1)) << 16) : k.write(f(0)))

const binary = (f: (a: number, b: number) => number): Decoder => (s, ctx) => {
  const k = kindOf(ctx)
  ctx.operands(3)
  const [d, a, b] = [ctx.dst(s.operands[0], k.register), ctx.src(s.operands[1], k.register), ctx.src(s.operands[2], k.register)]
  return { exec: map2(d, 'i32', a, 'i32', b, 'i32', (x, y) => pack(k, (i) => f(k.read(x, i), k.read(y, i)))) }
}
const unary = (f: (a: number) => number): Decoder => (s, ctx) => {
  const k = kindOf(ctx)
  ctx.operands(2)
  const [d, a] = [ctx.dst(s.operands[0], k.register), ctx.src(s.operands[1], k.register)]
  return { exec: map1(d, 'i32', a, 'i32', (x) => pack(k, (i) => f(k.read(x, i)))) }
}
const extreme = (pick: (a: number, b: number) => number): Decoder => (s, ctx) => {
  const k = kindOf(ctx, ['NaN'])
  ctx.operands(3)
  const [d, a, b] = [ctx.dst(s.operands[0], k.register), ctx.src(s.operands[1], k.register), ctx.src(s.operands[2], k.register)]
  const choose = (x: number, y: number) => (x !== x ? (k.nan ? NaN : y) : y !== y ? (k.nan ? NaN : x) : pick(x, y))
  return { exec: map2(d, 'i32', a, 'i32', b, 'i32', (x, y) => pack(k, (i) => choose(k.read(x, i), k.read(y, i)))) }
}
/** neg and abs touch sign bits only, of NaN too. */
const sign = (clear: boolean): Decoder => (s, ctx) => {
  ctx.modifiers.flag('ftz')
  const type = ctx.modifiers.need(types, 'type')
  ctx.operands(2)
  const register = type.endsWith('x2') ? 'b32' : 'b16'
  const bits = type.endsWith('x2') ? 0x80008000 : 0x8000
  return { exec: map1(ctx.dst(s.operands[0], register), 'i32', ctx.src(s.operands[1], register), 'i32', (x) => (clear ? x & ~bits : x ^ bits)) }
}

const keys: Record<string, Decoder> = {
  add: binary(sumToOdd),
  sub: binary((a, b) => sumToOdd(a, -b)),
  mul: binary((a, b) => a * b),
  fma(s, ctx) {
    const k = kindOf(ctx)
    ctx.operands(4)
    const [d, a, b, c] = [ctx.dst(s.operands[0], k.register), ...s.operands.slice(1).map((o) => ctx.src(o, k.register))]
    return { exec: map3(d, 'i32', a, 'i32', b, 'i32', c, 'i32', (x, y, z) => pack(k, (i) => sumToOdd(k.read(x, i) * k.read(y, i), k.read(z, i)))) }
  },
  min: extreme(Math.min),
  max: extreme(Math.max),
  ex2: unary((a) => 2 ** a),
  tanh: unary(Math.tanh),
  neg: sign(false),
  abs: sign(true),
}
export const half: Chapter = Object.fromEntries(Object.entries(keys).flatMap(([opcode, decoder]) => types.map((type) => [`${opcode} ${type}`, decoder])))
