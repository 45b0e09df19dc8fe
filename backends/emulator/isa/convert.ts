// cvt between integers and floats of all sizes (PTX ISA 9.7.9.21); pairs, tf32 and cvt.pack are in convert_pack.ts.
import type { DecodeContext, Statement } from '../decode.ts'
import type { Exec, Memory, Slot } from '../machine.ts'
import { redirect } from '../numeric/exact64.ts'
import { canonicalNaN, integerRounding, roundF32 } from '../numeric/round.ts'
import { decodeFloat, encodeFloat, flushSubnormal, formats, relu, saturate, sticky, type Rounding } from '../numeric/small_float.ts'
import { packed } from './convert_pack.ts'
import { form, type FormDecoder, type Forms, type Match } from './forms.ts'

const sizeOf = (type: string) => Number(/\d+/.exec(type)![0])
const isSigned = (type: string) => type[0] === 's'
const isInteger = (type: string) => /^[us]\d/.test(type)

/** A register's words a lane, and its lowest word's index at lane 0. */
interface Place { readonly slot: Slot; readonly words: number; readonly bits: number }
function place(ctx: DecodeContext, o: Statement['operands'][number], type: string, slot: Slot): Place {
  // Constants and special registers have slots of the type's size.
  const bytes = ctx.registerBytes(o) || sizeOf(type) / 8
  return { slot, words: Math.max(1, bytes / 4), bits: 8 * bytes }
}
const source = (ctx: DecodeContext, o: Statement['operands'][number], type: string) => place(ctx, o, type, ctx.src(o, type, { wide: true }))
const target = (ctx: DecodeContext, o: Statement['operands'][number], type: string) => place(ctx, o, type, ctx.dst(o, type, { wide: true }))

// ---- Integer to integer ----

/** Whether every value of `from` is one of `to`: then .sat has nothing to do, and the assembler refuses it. */
const contains = (to: string, from: string) => (isSigned(to) === isSigned(from) ? sizeOf(to) >= sizeOf(from) : isSigned(to) && sizeOf(to) > sizeOf(from))

/** A word cut to `size` bits and extended. */
const cutter = (size: number, signed: boolean): ((x: number) => number) => (size >= 32 ? (x) => x | 0 : signed ? (x) => (x << (32 - size)) >> (32 - size) : (x) => x & (2 ** size - 1))
const rangeOf = (type: string): [bigint, bigint] => { const n = BigInt(sizeOf(type)); return isSigned(type) ? [-(1n << (n - 1n)), (1n << (n - 1n)) - 1n] : [0n, (1n << n) - 1n] }

const integers: FormDecoder = (m, s, ctx) => {
  const [to, from] = m.types
  ctx.operands(2)
  const [d, a] = [target(ctx, s.operands[0], to), source(ctx, s.operands[1], from)]
  if (m.has('sat')) {
    if (contains(to, from)) ctx.error(`.sat does not go with .${to}.${from}, which loses nothing`)
    const [least, most] = rangeOf(to)
    return { exec: throughLong(d, to, a, (x) => { const v = isSigned(from) ? BigInt.asIntN(sizeOf(from), x) : BigInt.asUintN(sizeOf(from), x); return v < least ? least : v > most ? most : v }) }
  }
  // The narrower of the two decides the low word; what is above repeats the sign of the source or of the result.
  const [first, second] = [cutter(sizeOf(from), isSigned(from)), cutter(sizeOf(to), isSigned(to))]
  const own = d.bits < 32 ? 2 ** d.bits - 1 : -1
  const wide = d.words === 2
  return {
    exec(w, mask) {
      const { i32 } = w.machine.memory
      const [x, y] = [(w.base + a.slot) >> 2, (w.base + d.slot) >> 2]
      for (let lane = 0, left = mask; left !== 0; lane++, left >>>= 1) {
        if (!(left & 1)) continue
        const word = i32[x + lane * a.words]
        const low = second(first(word))
        const upper = sizeOf(from) === 64 ? i32[x + lane * a.words + 1] : isSigned(from) ? first(word) >> 31 : 0
        i32[y + lane * d.words] = low & own
        if (wide) i32[y + lane * 2 + 1] = sizeOf(to) === 64 ? upper : isSigned(to) ? low >> 31 : 0
      }
    },
  }
}

/** d = f(a) of 64-bit patterns, extended to the register. */
function throughLong(d: Place, to: string, a: Place, f: (x: bigint) => bigint): Exec {
  return (w, mask) => {
    const { memory } = w.machine
    for (let lane = 0, left = mask; left !== 0; lane++, left >>>= 1) if (left & 1) writeInteger(memory, w.base, lane, d, to, f(readLong(memory, w.base, lane, a)))
  }
}
function readLong({ u32 }: Memory, base: number, lane: number, a: Place): bigint {
  const at = ((base + a.slot) >> 2) + lane * a.words
  return a.words === 1 ? BigInt(u32[at]) : (BigInt(u32[at + 1]) << 32n) | BigInt(u32[at])
}
function writeInteger({ u32 }: Memory, base: number, lane: number, d: Place, to: string, v: bigint): void {
  const at = ((base + d.slot) >> 2) + lane * d.words
  const cut = BigInt.asUintN(d.bits, isSigned(to) ? BigInt.asIntN(sizeOf(to), v) : BigInt.asUintN(sizeOf(to), v))
  u32[at] = Number(cut & 0xffffffffn)
  if (d.words === 2) u32[at + 1] = Number(cut >> 32n)
}

// ---- Values as doubles: exact, or rounded to odd where a double cannot hold them ----

type Read = (memory: Memory, base: number, lane: number) => number

function reader(type: string, a: Place, ftz: boolean): Read {
  const { slot, words } = a
  if (type === 'f64') return (m, base, lane) => m.f64[((base + slot) >> 3) + lane]
  if (type === 'f32') return ftz ? (m, base, lane) => flushSubnormal(m.f32[((base + slot) >> 2) + lane * words]) : (m, base, lane) => m.f32[((base + slot) >> 2) + lane * words]
  if (type === 'f16') return (m, base, lane) => decodeFloat(m.u32[((base + slot) >> 2) + lane * words] & 0xffff, formats.f16)
  if (type === 'bf16') return (m, base, lane) => { const x = decodeFloat(m.u32[((base + slot) >> 2) + lane * words] & 0xffff, formats.bf16); return ftz ? flushSubnormal(x) : x }
  if (sizeOf(type) === 64) return (m, base, lane) => oddOfLong(signedLong(type, readLong(m, base, lane, a)))
  const cut = cutter(sizeOf(type), isSigned(type))
  return isSigned(type) || sizeOf(type) < 32 ? (m, base, lane) => cut(m.i32[((base + slot) >> 2) + lane * words]) : (m, base, lane) => m.u32[((base + slot) >> 2) + lane * words]
}
const signedLong = (type: string, x: bigint): bigint => (isSigned(type) ? BigInt.asIntN(64, x) : x)
const lostSign = (x: bigint, nearest: number): number => { const rest = x - BigInt(nearest); return rest > 0n ? 1 : rest < 0n ? -1 : 0 }
const oddOfLong = (x: bigint): number => { const nearest = Number(x); return sticky(nearest, lostSign(x, nearest)) }

type Write = (memory: Memory, base: number, lane: number, x: number) => void

/** Rounds to the float type and stores; what `ftz`, `sat` and `relu` ask for is done. */
function writer(type: string, d: Place, m: Match, mode: Rounding): Write {
  const [ftz, sat, clamps, satfinite] = [m.has('ftz'), m.has('sat'), m.has('relu'), m.has('satfinite')]
  const { slot, words } = d
  if (type === 'f64') {
    return ({ f64, u32 }, base, lane, x) => {
      const at = ((base + slot) >> 3) + lane
      const r = sat ? saturate(x) : x
      if (r === r) f64[at] = r
      else { u32[2 * at] = 0; u32[2 * at + 1] = 0xfff80000 }
    }
  }
  if (type === 'f32') {
    return ({ f32, i32 }, base, lane, x) => {
      const at = ((base + slot) >> 2) + lane * words
      let r = roundF32(x, mode)
      if (ftz) r = flushSubnormal(r)
      if (sat) r = saturate(r)
      if (r === r) f32[at] = r
      else i32[at] = canonicalNaN
      if (words === 2) i32[at + 1] = 0
    }
  }
  const f = type === 'f16' ? formats.f16 : formats.bf16
  return ({ u32 }, base, lane, x) => {
    const at = ((base + slot) >> 2) + lane * words
    u32[at] = encodeFloat(sat ? saturate(x) : clamps ? relu(x) : x, f, mode, satfinite)
    if (words === 2) u32[at + 1] = 0
  }
}

const modeOf = (m: Match): Rounding => m.one('rn', 'rz', 'rm', 'rp') ?? 'rn'

/** To a float, from anything. */
const toFloat: FormDecoder = (m, s, ctx) => {
  const [to, from] = m.types
  ctx.operands(2)
  const [d, a] = [target(ctx, s.operands[0], to), source(ctx, s.operands[1], from)]
  const mode = modeOf(m)
  const integral = m.one('rni', 'rzi', 'rmi', 'rpi')
  const read = reader(from, a, m.has('ftz'))
  const write = writer(to, d, m, mode)
  if (to === 'f64' && isInteger(from) && sizeOf(from) === 64) return { exec: longToDouble(write, a, from, mode) }
  const round = integral ? integerRounding[integral] : null
  return {
    exec(w, mask) {
      const { memory } = w.machine
      for (let lane = 0, left = mask; left !== 0; lane++, left >>>= 1) {
        if (!(left & 1)) continue
        const x = read(memory, w.base, lane)
        write(memory, w.base, lane, round === null ? x : round(x))
      }
    },
  }
}

function longToDouble(write: Write, a: Place, from: string, mode: Rounding): Exec {
  return (w, mask) => {
    const { memory } = w.machine
    for (let lane = 0, left = mask; left !== 0; lane++, left >>>= 1) {
      if (!(left & 1)) continue
      const x = signedLong(from, readLong(memory, w.base, lane, a))
      const nearest = Number(x)
      write(memory, w.base, lane, mode === 'rn' ? nearest : redirect(nearest, lostSign(x, nearest), mode))
    }
  }
}

/** Saturates. A NaN gives 0, but the highest bit alone for 64-bit results and f64 sources. */
const toInteger: FormDecoder = (m, s, ctx) => {
  const [to, from] = m.types
  ctx.operands(2)
  const [d, a] = [target(ctx, s.operands[0], to), source(ctx, s.operands[1], from)]
  const read = reader(from, a, m.has('ftz'))
  const round = integerRounding[m.one('rni', 'rzi', 'rmi', 'rpi')!]
  const size = sizeOf(to)
  const [least, most] = rangeOf(to)
  const [low, high] = [Number(least), Number(most)]
  const ofNaN = size === 64 || from === 'f64' ? 1n << BigInt(size - 1) : 0n
  if (size <= 32 && d.words === 1) {
    const own = d.bits < 32 ? 2 ** d.bits - 1 : -1
    const cut = cutter(size, isSigned(to))
    const nan = cut(Number(ofNaN)) & own
    return {
      exec(w, mask) {
        const { memory } = w.machine
        const at = (w.base + d.slot) >> 2
        for (let lane = 0, left = mask; left !== 0; lane++, left >>>= 1) {
          if (!(left & 1)) continue
          const x = round(read(memory, w.base, lane))
          memory.i32[at + lane] = x !== x ? nan : (x <= low ? low : x >= high ? high : x) & own
        }
      },
    }
  }
  return {
    exec(w, mask) {
      const { memory } = w.machine
      for (let lane = 0, left = mask; left !== 0; lane++, left >>>= 1) {
        if (!(left & 1)) continue
        const x = round(read(memory, w.base, lane))
        writeInteger(memory, w.base, lane, d, to, x !== x ? ofNaN : x <= low ? least : x >= high ? most : BigInt(x))
      }
    },
  }
}

const all = '.u8|u16|u32|u64|s8|s16|s32|s64'
const mode = 'rn|rz|rm|rp'
const integral = 'rni|rzi|rmi|rpi'
const bfloat = { ptx: 7.8, sm: 90 }
const ampere = { ptx: 7.0, sm: 80 }
const satfinite = { satfinite: { ptx: 8.1 } }

export const convert: Forms = {
  ...packed.own,
  cvt: [
    form(`sat? ${all} ${all}`, integers),
    form(`${integral} sat? ${all} .f16|f64`, toInteger),
    form(`${integral} ftz? sat? ${all} .f32`, toInteger),
    form(`${integral} ${all} .bf16`, toInteger, bfloat),
    form(`${mode} sat? .f16|f64 ${all}`, toFloat),
    form(`${mode} ftz? sat? .f32 ${all}`, toFloat),
    form(`${mode} .bf16 ${all}`, toFloat, bfloat),
    form(`${integral}? sat? .f16 .f16`, toFloat),
    form(`${integral}? sat? .f64 .f64`, toFloat),
    form(`${integral}? ftz? sat? .f32 .f32`, toFloat),
    form(`${integral}? .bf16 .bf16`, toFloat, bfloat),
    form(`${mode} sat? .f16 .f64`, toFloat),
    form(`${mode} ftz? sat? .f16 .f32`, toFloat),
    form('rn|rz relu? satfinite? .f16 .f32', toFloat, ampere, satfinite),
    form(`${mode} ftz? sat? .f32 .f64`, toFloat),
    form('ftz? sat? .f32 .f16', toFloat),
    form('ftz? sat? .f64 .f32', toFloat),
    form('sat? .f64 .f16', toFloat),
    form('rn|rz relu? satfinite? .bf16 .f32', toFloat, ampere, satfinite),
    form(`${mode} ftz? .bf16 .f32`, toFloat, ampere),
    form(`${mode} .bf16 .f64`, toFloat, bfloat),
    form(`${mode}? .f16|f64 .bf16`, toFloat, bfloat),
    form(`${mode}? .bf16 .f16`, toFloat, bfloat),
    form(`${mode}? .f32 .bf16`, toFloat, { ptx: 7.1, sm: 80 }),
    form(`${mode}? ftz .f32 .bf16`, toFloat, bfloat),
    ...packed.cvt,
  ],
}
