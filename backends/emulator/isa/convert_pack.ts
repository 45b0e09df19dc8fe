// cvt to and from pairs (f16x2, bf16x2, e4m3x2, e5m2x2), to tf32, and cvt.pack (PTX ISA 9.7.9.21, 9.7.9.22).
import type { Rounding } from '../numeric/small_float.ts'
import { decodeFloat, encodeFloat, formats, relu, type Format } from '../numeric/small_float.ts'
import { form, type FormDecoder, type Forms, type Match } from './forms.ts'
import { map1, map2, map3 } from './lanes.ts'

const formatOf: Readonly<Record<string, Format>> = { f16x2: formats.f16, bf16x2: formats.bf16, e4m3x2: formats.e4m3, e5m2x2: formats.e5m2, tf32: formats.tf32 }

/** One value to the format's bits, as the modifiers say. */
function shortener(m: Match, f: Format): (x: number) => number {
  const mode: Rounding = m.one('rn', 'rz', 'rna') ?? 'rn'
  const [clamps, satfinite] = [m.has('relu'), m.has('satfinite')]
  return (x) => encodeFloat(clamps ? relu(x) : x, f, mode, satfinite)
}

/** Two f32 into one register: the first goes to the upper half. */
const fromTwo: FormDecoder = (m, s, ctx) => {
  const [to] = m.types
  const f = formatOf[to]
  ctx.operands(3)
  const [d, a, b] = [ctx.dst(s.operands[0], to), ctx.src(s.operands[1], 'f32'), ctx.src(s.operands[2], 'f32')]
  const short = shortener(m, f)
  return { exec: map2(d, 'i32', a, 'f32', b, 'f32', (x, y) => (short(x) << f.bits) | short(y)) }
}

const fromHalves: FormDecoder = (m, s, ctx) => {
  ctx.operands(2)
  const short = shortener(m, formatOf[m.type])
  const one = (bits: number) => short(decodeFloat(bits & 0xffff, formats.f16))
  return { exec: map1(ctx.dst(s.operands[0], m.type), 'i32', ctx.src(s.operands[1], 'f16x2'), 'i32', (x) => one(x) | (one(x >>> 16) << 8)) }
}

const fromBytes: FormDecoder = (m, s, ctx) => {
  ctx.operands(2)
  const f = formatOf[m.types[1]]
  const short = shortener(m, formats.f16)
  return { exec: map1(ctx.dst(s.operands[0], 'f16x2'), 'i32', ctx.src(s.operands[1], m.types[1]), 'i32', (x) => short(decodeFloat(x & 255, f)) | (short(decodeFloat((x >>> 8) & 255, f)) << 16)) }
}

/** tf32 lies in the upper 19 bits of its register. */
const toTf32: FormDecoder = (m, s, ctx) => {
  ctx.operands(2)
  const short = shortener(m, formats.tf32)
  return { exec: map1(ctx.dst(s.operands[0], 'tf32'), 'i32', ctx.src(s.operands[1], 'f32'), 'f32', (x) => (x !== x ? 0x7fffffff : short(x) << 13)) }
}

/** Two saturated integers side by side; with c they push it up. */
const pack: FormDecoder = (m, s, ctx) => {
  const [to] = m.types
  const size = Number(to.slice(1))
  const [low, high] = to[0] === 's' ? [-(2 ** (size - 1)), 2 ** (size - 1) - 1] : [0, 2 ** size - 1]
  const one = (x: number) => Math.min(high, Math.max(low, x)) & (2 ** size - 1)
  const both = (x: number, y: number) => (one(x) << size) | one(y)
  ctx.operands(size === 16 ? 3 : 4)
  const [d, a, b] = [ctx.dst(s.operands[0], to[0] === 's' && size === 16 ? 's32' : size === 16 ? 'u32' : 'b32'), ctx.src(s.operands[1], 's32'), ctx.src(s.operands[2], 's32')]
  if (size === 16) return { exec: map2(d, 'i32', a, 'i32', b, 'i32', both) }
  return { exec: map3(d, 'i32', a, 'i32', b, 'i32', ctx.src(s.operands[3], 'b32'), 'i32', (x, y, c) => (c << (2 * size)) | both(x, y)) }
}

const ampere = { ptx: 7.0, sm: 80 }
const fp8 = { ptx: 7.8, sm: 89 }
const satfinite = { satfinite: { ptx: 8.1 } }
const own: Forms = {
  'cvt.pack': [
    form('sat .u16|s16 .s32', pack, { ptx: 6.5, sm: 72 }),
    form('sat .u8|s8 .s32 .b32', pack, { ptx: 6.5, sm: 72 }),
    form('sat .u4|s4|u2|s2 .s32 .b32', pack, { ptx: 6.5, sm: 75 }),
  ],
}
export const packed = {
  own,
  cvt: [
    form('rn|rz relu? satfinite? .f16x2|bf16x2 .f32', fromTwo, ampere, satfinite),
    form('rn satfinite relu? .e4m3x2|e5m2x2 .f32', fromTwo, fp8),
    form('rn satfinite relu? .e4m3x2|e5m2x2 .f16x2', fromHalves, fp8),
    form('rn relu? .f16x2 .e4m3x2|e5m2x2', fromBytes, fp8),
    form('rna satfinite? .tf32 .f32', toTf32, ampere, satfinite),
    form('rn|rz relu? .tf32 .f32', toTf32, { ptx: 7.8, sm: 90 }),
  ],
}
