// cvt that ends or begins in a short float, or rounds, flushes or saturates (PTX ISA 9.7.9.21; ptx-isa-notes 2.8).
import type { Chapter, DecodeContext, Decoder } from '../decode.ts'
import { integerRounding } from '../numeric/round.ts'
import { decodeFloat, encodeFloat, flushSubnormal, formats, relu, saturate, type Format, type Rounding } from '../numeric/small_float.ts'
import { map1, map2, narrow } from './lanes.ts'

const short: Readonly<Record<string, Format>> = { f16: formats.f16, bf16: formats.bf16, f32: formats.f32, tf32: formats.tf32 }
const pairs: Readonly<Record<string, Format>> = { f16x2: formats.f16, bf16x2: formats.bf16, e4m3x2: formats.e4m3, e5m2x2: formats.e5m2 }

interface Options { rounding: Rounding | undefined; integral: string | undefined; ftz: boolean; sat: boolean; satfinite: boolean; relu: boolean }

/** Modifiers before the types, in any order that people write them. */
function optionsOf(ctx: DecodeContext): Options {
  const m = ctx.modifiers
  const integral = m.oneOf(['rni', 'rzi', 'rmi', 'rpi'] as const)
  const rounding = m.oneOf(['rn', 'rz', 'rm', 'rp', 'rna'] as const)
  if (m.peek() === 'rs') ctx.error('cvt.rs needs sm_100')
  const [ftz, satfirst] = [m.flag('ftz'), m.flag('satfinite')]
  const relu = m.flag('relu')
  const satfinite = satfirst || m.flag('satfinite')
  return { rounding, integral, ftz, sat: m.flag('sat'), satfinite, relu }
}

/** NaN of a short float: the canonical one, also where satfinite saturates. */
function shorten(o: Options, f: Format, x: number): number {
  let r = o.ftz ? flushSubnormal(x) : x
  if (o.relu) r = relu(r)
  if (o.sat) r = saturate(r)
  return encodeFloat(r, f, o.rounding ?? 'rn', o.satfinite)
}

/** Two sources into one register: the first goes to the upper half. */
function packPair(s: Parameters<Decoder>[0], ctx: DecodeContext, to: string, from: string, o: Options) {
  const f = pairs[to]
  const register = f.bits === 8 ? 'b16' : 'b32'
  if (f.bits === 8 && !o.satfinite) ctx.error(`cvt to .${to} needs .satfinite`)
  if (from === 'f16x2') {
    ctx.operands(2)
    const source = (x: number, i: number) => decodeFloat((x >>> (16 * i)) & 0xffff, formats.f16)
    return { exec: map1(ctx.dst(s.operands[0], register), 'i32', ctx.src(s.operands[1], 'b32'), 'i32', (x) => shorten(o, f, source(x, 0)) | (shorten(o, f, source(x, 1)) << 8)) }
  }
  if (from !== 'f32') ctx.error(`cvt from .${from} to .${to} does not exist`)
  ctx.operands(3)
  const [d, a, b] = [ctx.dst(s.operands[0], register), ctx.src(s.operands[1], 'f32'), ctx.src(s.operands[2], 'f32')]
  return { exec: map2(d, 'i32', a, 'f32', b, 'f32', (x, y) => (shorten(o, f, x) << f.bits) | shorten(o, f, y)) }
}

const convert: Decoder = (s, ctx) => {
  const o = optionsOf(ctx)
  const known = [...Object.keys(pairs), ...Object.keys(short), 'f64', 'u8', 'u16', 'u32', 'u64', 's8', 's16', 's32', 's64']
  const to = ctx.modifiers.need(known, 'destination type')
  const from = ctx.modifiers.need(known, 'source type')
  if (to in pairs && from !== 'e4m3x2' && from !== 'e5m2x2') return packPair(s, ctx, to, from, o)
  ctx.operands(2)
  if (from in pairs) {
    if (to !== 'f16x2') ctx.error(`cvt from .${from} to .${to} does not exist`)
    const [d, a] = [ctx.dst(s.operands[0], 'b32'), ctx.src(s.operands[1], 'b16')]
    const f = pairs[from]
    const one = (x: number) => encodeFloat(o.relu && x < 0 ? 0 : x, formats.f16)
    return { exec: map1(d, 'i32', a, 'i32', (x) => one(decodeFloat(x & 255, f)) | (one(decodeFloat((x >>> 8) & 255, f)) << 16)) }
  }
  // A source value as a double; 64-bit integers beyond 2^53 lose bits, so those are refused here.
  const source = (): { slot: number; read: (x: number) => number; view: 'i32' | 'f32' | 'f64' } => {
    const operand = s.operands[1]
    if (from === 'f64') return { slot: ctx.src(operand, 'f64'), read: (x) => x, view: 'f64' }
    if (from === 'f32') return { slot: ctx.src(operand, 'f32'), read: (x) => (o.ftz ? flushSubnormal(x) : x), view: 'f32' }
    if (from === 'f16' || from === 'bf16') return { slot: ctx.src(operand, 'b16', { wide: true }), read: (x) => decodeFloat(x & 0xffff, short[from]), view: 'i32' }
    if (from === 'tf32' || from.endsWith('64')) ctx.error(`cvt.${to}.${from} with these modifiers is not emulated yet`)
    return { slot: ctx.src(operand, from, { wide: true }), read: narrow[from], view: 'i32' }
  }
  const integral = o.integral ? integerRounding[o.integral] : (x: number) => x
  if (to in short) {
    const f = short[to]
    const d = ctx.dst(s.operands[0], f.bits === 16 ? 'b16' : 'b32', { wide: f.bits === 16 })
    const a = source()
    // tf32 lies in the upper 19 bits of its register.
    const place = to === 'tf32' ? 13 : 0
    return { exec: map1(d, 'i32', a.slot, a.view as 'f32', (x) => shorten(o, f, integral(a.read(x))) << place) }
  }
  if (to === 'f64') {
    const d = ctx.dst(s.operands[0], 'f64')
    const a = source()
    return { exec: map1(d, 'f64', a.slot, a.view as 'f32', (x) => integral(a.read(x))) }
  }
  const size = Number(to.slice(1))
  const signed = to[0] === 's'
  const d = ctx.dst(s.operands[0], to, { wide: true })
  const wide = ctx.registerBytes(s.operands[0]) === 8
  const a = source()
  const fromFloat = a.view !== 'i32' || from === 'f16' || from === 'bf16'
  if (fromFloat && !o.integral) ctx.error('cvt from a float to an integer needs .rni, .rzi, .rmi or .rpi')
  const [low, high] = signed ? [-(2 ** (size - 1)), 2 ** (size - 1) - 1] : [0, 2 ** size - 1]
  const value = (x: number): bigint => {
    const r = integral(a.read(x))
    if (r !== r) return size === 64 || from === 'f64' ? 1n << BigInt(size - 1) : 0n
    // Floats saturate always, integers with .sat only; BigInt takes the largest double below 2^63 exactly.
    if (fromFloat || o.sat) return r <= low ? BigInt(low) : r >= high ? (signed ? (1n << BigInt(size - 1)) - 1n : (1n << BigInt(size)) - 1n) : BigInt(r)
    return BigInt(r)
  }
  const bits = wide || size === 64 ? 64 : 32
  const cut = (v: bigint) => BigInt.asUintN(bits, signed ? BigInt.asIntN(size, v) : BigInt.asUintN(size, v))
  if (bits === 64) return { exec: map1(d, 'u64', a.slot, a.view as 'f32', (x) => cut(value(x))) }
  const own = Math.min(32, Math.max(8, ctx.registerBytes(s.operands[0]) * 8))
  return { exec: map1(d, 'u32', a.slot, a.view as 'f32', (x) => Number(BigInt.asUintN(own, cut(value(x))))) }
}

/** Used where data.ts, which has the integer and plain forms, leaves off. */
export const convertFloat: Chapter = { 'cvt float': convert }
export const isFloatForm = (modifiers: readonly string[]): boolean =>
  modifiers.some((m) => /^(f16|bf16|tf32|f16x2|bf16x2|e4m3x2|e5m2x2|ftz|sat|satfinite|relu|rz|rm|rp|rna|rs)$/.test(m)) || (modifiers.at(-2) === 'f32' && modifiers.at(-1) === 'f64')
