// f16, bf16 and their pairs in one 32-bit register: arithmetic with one rounding to nearest even (PTX ISA 9.7.4).
import type { DecodeContext, Decoded, Statement } from '../decode.ts'
import type { Exec, Slot } from '../machine.ts'
import { decodeFloat, encodeFloat, flushSubnormal, formats, relu, saturate, sumToOdd, type Format } from '../numeric/small_float.ts'
import { form, type FormDecoder, type Forms, type Match, type Need } from './forms.ts'
import { map1, map2, map3 } from './lanes.ts'

type F3 = (a: number, b: number, c: number) => number

/** d = f(sources), each half on its own; f gives a double that is exact or rounded to odd. */
function lanewise(m: Match, s: Statement, ctx: DecodeContext, sources: number, f: F3): Decoded {
  ctx.operands(sources + 1)
  const { type } = m
  const format: Format = type.startsWith('bf16') ? formats.bf16 : formats.f16
  const least = 2 ** (1 - format.bias)
  const [ftz, sat, clamps] = [m.has('ftz'), m.has('sat'), m.has('relu')]
  const read = (word: number) => { const x = decodeFloat(word & 0xffff, format); return ftz ? flushSubnormal(x, least) : x }
  const one = (a: number, b: number, c: number) => {
    const x = f(read(a), read(b), read(c))
    // .sat and .relu act on the rounded result, where what rounds to zero is zero.
    let bits = encodeFloat(x, format)
    if (ftz && (bits & 0x7fff) < 2 ** format.mantissa) bits &= 0x8000
    if (sat) return encodeFloat(saturate(decodeFloat(bits, format)), format)
    return clamps ? encodeFloat(relu(decodeFloat(bits, format)), format) : bits
  }
  const d = ctx.dst(s.operands[0], type)
  const slots = s.operands.slice(1).map((o) => ctx.src(o, type))
  const [a, b, c] = [slots[0], slots[1] ?? slots[0], slots[2] ?? slots[0]]
  if (!type.endsWith('x2')) return { exec: map3(d, 'i32', a, 'i32', b, 'i32', c, 'i32', one) }
  return { exec: map3(d, 'i32', a, 'i32', b, 'i32', c, 'i32', (x, y, z) => one(x, y, z) | (one(x >>> 16, y >>> 16, z >>> 16) << 16)) }
}

const of = (sources: number, f: F3): FormDecoder => (m, s, ctx) => lanewise(m, s, ctx, sources, f)

const extreme = (pick: (a: number, b: number) => number): FormDecoder => (m, s, ctx) => {
  const nan = m.has('NaN')
  const choose = (a: number, b: number) => (a === a && b === b ? pick(a, b) : nan ? NaN : a !== a ? b : a)
  if (!m.has('xorsign')) return lanewise(m, s, ctx, 2, choose)
  const absolute = lanewise(m, s, ctx, 2, (a, b) => choose(Math.abs(a), Math.abs(b)))
  const [d, a, b] = [ctx.dst(s.operands[0], m.type), ctx.src(s.operands[1], m.type), ctx.src(s.operands[2], m.type)]
  return { exec: signed(absolute.exec!, m.type, d, a, b, ctx.scratch(4)) }
}
/** The result of `run` with the product of both signs, those of NaN operands too; a NaN stays. */
function signed(run: Exec, type: string, d: Slot, a: Slot, b: Slot, kept: Slot): Exec {
  const top = type.endsWith('x2') ? 0x80008000 : 0x8000
  const nan = type.startsWith('bf16') ? 0x7f80 : 0x7c00
  const save = map2(kept, 'i32', a, 'i32', b, 'i32', (x, y) => (x ^ y) & top)
  const isNaN = (x: number) => (x & 0x7fff) > nan
  const turn = map2(d, 'i32', d, 'i32', kept, 'i32', (x, sign) => x ^ (sign & ~((isNaN(x) ? 0x8000 : 0) | (isNaN(x >>> 16) ? 0x80000000 : 0))))
  return (w, mask) => { save(w, mask); run(w, mask); turn(w, mask) }
}

/** neg and abs touch sign bits only, of NaN too. */
const sign = (clear: boolean): FormDecoder => (m, s, ctx) => {
  ctx.operands(2)
  const pair = m.type.endsWith('x2')
  const bits = pair ? 0x80008000 : 0x8000
  const format = m.type.startsWith('bf16') ? formats.bf16 : formats.f16
  const exponent = format === formats.bf16 ? 0x7f80 : 0x7c00
  const flush = (x: number) => ((x & exponent) === 0 ? x & 0x8000 : x & 0xffff)
  const read = m.has('ftz') ? (x: number) => (pair ? flush(x) | (flush(x >>> 16) << 16) : flush(x)) : (x: number) => x
  return { exec: map1(ctx.dst(s.operands[0], m.type), 'i32', ctx.src(s.operands[1], m.type), 'i32', (x) => (clear ? read(x) & ~bits : read(x) ^ bits)) }
}

const halves = '.f16|f16x2'
const bfloats = '.bf16|bf16x2'
const [sm53, sm80, sm86, sm90]: Need[] = [{ ptx: 4.2, sm: 53 }, { ptx: 7.0, sm: 80 }, { ptx: 7.2, sm: 86 }, { ptx: 7.8, sm: 90 }]
const sum = (decode: FormDecoder) => [form(`rn? ftz? sat? ${halves}`, decode, sm53), form(`rn? ${bfloats}`, decode, sm90)]
const fma = of(3, (a, b, c) => sumToOdd(a * b, c))
/**
 * .oob: an operand that a tensor copy filled in out of bounds makes the result 0. That mark is taken to be the canonical NaN, as
 * tensor copies here write it; what hardware writes is not documented.
 */
const unfilled: FormDecoder = (m, s, ctx) => {
  const plain = fma(m, s, ctx)
  const slots = s.operands.slice(1).map((o) => ctx.src(o, m.type))
  const d = ctx.dst(s.operands[0], m.type)
  const hole = (x: number) => ((x & 0xffff) === 0x7fff ? 0xffff : 0) | (x >>> 16 === 0x7fff ? 0xffff0000 : 0)
  const kept = ctx.scratch(4)
  const save = map3(kept, 'i32', slots[0], 'i32', slots[1], 'i32', slots[2], 'i32', (x, y, z) => ~(hole(x) | hole(y) | hole(z)))
  const clear = map2(d, 'i32', d, 'i32', kept, 'i32', (x, keep) => x & keep)
  return { exec: (w, mask) => { save(w, mask); plain.exec!(w, mask); clear(w, mask) } }
}
const extremes = (decode: FormDecoder) => [
  form(`ftz? NaN? ${halves}`, decode, sm80), form(`NaN? ${bfloats}`, decode, sm80),
  form(`ftz? NaN? xorsign abs ${halves}`, decode, sm86), form(`NaN? xorsign abs ${bfloats}`, decode, sm86),
]
/** `also`: what the bf16 forms need besides. */
const approximate = (f: (a: number) => number, also: string) => [form(`approx ${halves}`, of(1, f), { ptx: 7.0, sm: 75 }), form(`approx ${also} ${bfloats}`, of(1, f), sm90)]

export const half: Forms = {
  add: sum(of(2, sumToOdd)),
  sub: sum(of(2, (a, b) => sumToOdd(a, -b))),
  mul: sum(of(2, (a, b) => a * b)),
  fma: [
    form(`rn ftz? sat? ${halves}`, fma, sm53), form(`rn ftz? relu ${halves}`, fma, sm80), form(`rn relu? ${bfloats}`, fma, sm80),
    form('rn oob relu? .f16|f16x2|bf16|bf16x2', unfilled, { ptx: 8.1, sm: 90 }),
  ],
  min: extremes(extreme(Math.min)),
  max: extremes(extreme(Math.max)),
  ex2: approximate((a) => 2 ** a, 'ftz'),
  tanh: approximate(Math.tanh, ''),
  neg: [form(`ftz? ${halves}`, sign(false), { ptx: 6.0, sm: 53 }), form(bfloats, sign(false), sm80)],
  abs: [form(`ftz? ${halves}`, sign(true), { ptx: 6.5, sm: 53 }), form(bfloats, sign(true), sm80)],
}
