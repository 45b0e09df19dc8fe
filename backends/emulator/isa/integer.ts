// Integer arithmetic and logic of 16, 32 and 64 bits, and of pairs of 16 (PTX ISA 9.7.1, 9.7.8).
import type { DecodeContext, Decoded, Statement } from '../decode.ts'
import { readPredicate, writePredicate } from '../slots.ts'
import { form, type FormDecoder, type Forms } from './forms.ts'
import { integerView, map1, map2, map3, narrow, widthMask } from './lanes.ts'
import { absLong, addLong, andLong, highOfProduct, mapLong1, mapLong2, mapMadLong, mapWide, mulLong, negLong, notLong, orLong, pickLong, shlLong, shrLong, subLong, xorLong, type Long2 } from './longs.ts'

const integers = '.u16|u32|u64|s16|s32|s64'
const signed = (type: string) => type[0] === 's'
type Word = (a: number, b: number) => number

/** d = f(a, b): words of 16 and 32 bits by `word`, longs by `long`. */
function binary(s: Statement, ctx: DecodeContext, type: string, word: Word, long: Long2): Decoded {
  ctx.operands(3)
  const [d, a, b] = [ctx.dst(s.operands[0], type), ctx.src(s.operands[1], type), ctx.src(s.operands[2], type)]
  if (type.endsWith('64')) return { exec: mapLong2(d, a, b, long) }
  const [n, m] = [narrow[type], widthMask[type]]
  if (type.endsWith('32')) {
    const v = signed(type) ? 'i32' : 'u32'
    return { exec: map2(d, 'i32', a, v, b, v, word) }
  }
  return { exec: map2(d, 'i32', a, 'i32', b, 'i32', (x, y) => word(n(x), n(y)) & m) }
}

const arithmetic = (word: Word, long: (type: string) => Long2): FormDecoder => (m, s, ctx) => binary(s, ctx, m.type, word, long(m.type))

/** Halves of a word on their own; `clamp` is .relu. */
const paired = (f: Word): FormDecoder => (m, s, ctx) => {
  ctx.operands(3)
  const half = narrow[m.type.slice(0, 3)]
  const least = m.has('relu') ? 0 : -Infinity
  const one = (x: number, y: number) => Math.max(least, f(half(x), half(y))) & 0xffff
  return { exec: map2(ctx.dst(s.operands[0], m.type), 'i32', ctx.src(s.operands[1], m.type), 'i32', ctx.src(s.operands[2], m.type), 'i32', (x, y) => one(x, y) | (one(x >>> 16, y >>> 16) << 16)) }
}

const clampWord = (x: number) => (x > 0x7fffffff ? 0x7fffffff : x < -0x80000000 ? -0x80000000 : x)
const saturated = (f: Word): FormDecoder => (m, s, ctx) => binary(s, ctx, m.type, (a, b) => clampWord(f(a, b)), addLong)

/** min and max of one least or greatest, also clamped at 0 (.relu). */
const extreme = (least: boolean): readonly ReturnType<typeof form>[] => {
  const pick: Word = least ? (a, b) => (b < a ? b : a) : (a, b) => (b > a ? b : a)
  return [
    form(integers, (m, s, ctx) => binary(s, ctx, m.type, pick, pickLong(least, signed(m.type)))),
    form('relu .s32', (m, s, ctx) => binary(s, ctx, m.type, (a, b) => Math.max(0, pick(a, b)), addLong), { ptx: 8.0, sm: 90 }),
    form('.u16x2', paired(pick), { ptx: 8.0, sm: 90 }),
    form('relu? .s16x2', paired(pick), { ptx: 8.0, sm: 90 }),
  ]
}

/** Logic on bits and on predicates. */
const logical = (word: Word, long: Long2) => [form('.b16|b32|b64|pred', (m, s, ctx) => {
  if (m.type !== 'pred') return binary(s, ctx, m.type, word, long)
  ctx.operands(3)
  const [d, a, b] = [ctx.dst(s.operands[0], 'pred'), ctx.predicate(s.operands[1]), ctx.predicate(s.operands[2])]
  return {
    exec(w, mask) {
      const { memory } = w.machine
      writePredicate(memory, w.base + d, mask, word(readPredicate(memory, w.base, a), readPredicate(memory, w.base, b)))
    },
  }
})]

type Part = 'lo' | 'hi' | 'wide'
/** mul and mad: low or high half of the product, or all of it at twice the width. */
const product = (part: Part, plus: boolean): FormDecoder => (m, s, ctx) => productOf(part, plus, m.type, m.has('sat'), s, ctx)

function productOf(part: Part, plus: boolean, type: string, sat: boolean, s: Statement, ctx: DecodeContext): Decoded {
  const size = Number(type.slice(1))
  const wide = part === 'wide' ? `${type[0]}${size * 2}` : type
  ctx.operands(plus ? 4 : 3)
  const [d, a, b] = [ctx.dst(s.operands[0], wide), ctx.src(s.operands[1], type), ctx.src(s.operands[2], type)]
  const c = plus ? ctx.src(s.operands[3], wide) : null
  const v = integerView(type)
  if (size === 64) {
    if (part === 'lo') return { exec: c === null ? mapLong2(d, a, b, mulLong) : mapMadLong(d, a, b, c) }
    const upper = (x: bigint, y: bigint) => BigInt.asUintN(64, (x * y) >> 64n)
    if (c === null) return { exec: map2(d, 'u64', a, v as 'u64', b, v as 'u64', upper) }
    return { exec: map3(d, 'u64', a, v as 'u64', b, v as 'u64', c, 'u64', (x, y, z) => BigInt.asUintN(64, upper(x, y) + z)) }
  }
  if (size === 32 && part === 'wide') return { exec: mapWide(d, a, b, c, signed(type)) }
  if (size === 32) {
    const f: Word = part === 'lo' ? Math.imul : (x, y) => highOfProduct(x, y, signed(type))
    if (c === null) return { exec: map2(d, 'i32', a, 'i32', b, 'i32', f) }
    return { exec: map3(d, 'i32', a, 'i32', b, 'i32', c, 'i32', sat ? (x, y, z) => clampWord(f(x, y) + z) : (x, y, z) => f(x, y) + z) }
  }
  const [n, m] = [narrow[type], part === 'wide' ? -1 : 0xffff]
  const f: Word = (x, y) => { const p = n(x) * n(y); return part === 'hi' ? p >> 16 : p }
  if (c === null) return { exec: map2(d, 'i32', a, 'i32', b, 'i32', (x, y) => f(x, y) & m) }
  return { exec: map3(d, 'i32', a, 'i32', b, 'i32', c, 'i32', (x, y, z) => (f(x, y) + z) & m) }
}

/** mul24 and mad24: of the 48-bit product the low 32 bits, or bits 16 to 47. */
const product24 = (part: 'lo' | 'hi', plus: boolean): FormDecoder => (m, s, ctx) => {
  ctx.operands(plus ? 4 : 3)
  const [d, a, b] = [ctx.dst(s.operands[0], m.type), ctx.src(s.operands[1], m.type), ctx.src(s.operands[2], m.type)]
  const c = plus ? ctx.src(s.operands[3], m.type) : ctx.src({ kind: 'int', value: 0n, at: s.at }, m.type)
  const cut = signed(m.type) ? (x: number) => (x << 8) >> 8 : (x: number) => x & 0xffffff
  const f: Word = part === 'lo' ? (x, y) => cut(x) * cut(y) : (x, y) => Math.floor(cut(x) * cut(y) / 65536)
  const sat = m.has('sat')
  return { exec: map3(d, 'i32', a, 'i32', b, 'i32', c, 'i32', (x, y, z) => (sat ? clampWord((f(x, y) | 0) + z) : f(x, y) + z)) }
}

/** By BigInt, since hardware has no such instruction either. */
const divided = (word: Word, long: (a: bigint, b: bigint) => bigint): FormDecoder => (m, s, ctx) => {
  if (!m.type.endsWith('64')) return binary(s, ctx, m.type, word, addLong)
  ctx.operands(3)
  const v = integerView(m.type) as 'u64'
  return { exec: map2(ctx.dst(s.operands[0], m.type), 'u64', ctx.src(s.operands[1], m.type), v, ctx.src(s.operands[2], m.type), v, (x, y) => BigInt.asUintN(64, long(x, y))) }
}

/** Shifts clamp their amount, a word, at the width. */
const shift = (left: boolean): FormDecoder => (m, s, ctx) => {
  ctx.operands(3)
  const { type } = m
  const [d, a, b] = [ctx.dst(s.operands[0], type), ctx.src(s.operands[1], type), ctx.src(s.operands[2], 'u32')]
  const size = Number(type.slice(1))
  if (size === 64) return { exec: mapLong2(d, a, b, left ? shlLong : shrLong(signed(type)), 1) }
  const [widen, all] = [narrow[type], widthMask[type]]
  if (left) return { exec: map2(d, 'i32', a, 'i32', b, 'u32', (x, n) => (n >= size ? 0 : (x << n) & all)) }
  if (signed(type)) return { exec: map2(d, 'i32', a, 'i32', b, 'u32', (x, n) => (widen(x) >> (n >= size ? size - 1 : n)) & all) }
  return { exec: map2(d, 'i32', a, 'u32', b, 'u32', (x, n) => (n >= size ? 0 : x >>> n)) }
}

const unary = (word: (x: number) => number, long: (al: number, ah: number) => void): FormDecoder => (m, s, ctx) => {
  ctx.operands(2)
  const [d, a] = [ctx.dst(s.operands[0], m.type), ctx.src(s.operands[1], m.type)]
  if (m.type.endsWith('64')) return { exec: mapLong1(d, a, long) }
  const [n, all] = [narrow[m.type], widthMask[m.type]]
  return { exec: map1(d, 'i32', a, 'i32', (x) => word(n(x)) & all) }
}

const sad: FormDecoder = (m, s, ctx) => {
  ctx.operands(4)
  const { type } = m
  const [d, a, b, c] = [ctx.dst(s.operands[0], type), ...s.operands.slice(1).map((o) => ctx.src(o, type))]
  const v = integerView(type)
  if (v === 'u64' || v === 'i64') return { exec: map3(d, 'u64', a, v, b, v, c, 'u64', (x, y, z) => BigInt.asUintN(64, (x < y ? y - x : x - y) + z)) }
  const [n, all] = [narrow[type], widthMask[type]]
  return { exec: map3(d, 'i32', a, 'i32', b, 'i32', c, 'i32', (x, y, z) => (Math.abs(n(x) - n(y)) + z) & all) }
}

const words = '.u32|s32'
export const integer: Forms = {
  add: [form(integers, arithmetic((a, b) => a + b, () => addLong)), form('sat .s32', saturated((a, b) => a + b)), form('.u16x2|s16x2', paired((a, b) => a + b), { ptx: 8.0, sm: 90 })],
  sub: [form(integers, arithmetic((a, b) => a - b, () => subLong)), form('sat .s32', saturated((a, b) => a - b))],
  min: extreme(true),
  max: extreme(false),
  'mul.lo': [form(integers, product('lo', false))],
  'mul.hi': [form(integers, product('hi', false))],
  'mul.wide': [form('.u16|s16|u32|s32', product('wide', false))],
  'mad.lo': [form(integers, product('lo', true))],
  'mad.hi': [form(integers, product('hi', true)), form('sat .s32', product('hi', true))],
  'mad.wide': [form('.u16|s16|u32|s32', product('wide', true))],
  'mul24.lo': [form(words, product24('lo', false))],
  'mul24.hi': [form(words, product24('hi', false))],
  'mad24.lo': [form(words, product24('lo', true))],
  'mad24.hi': [form(words, product24('hi', true)), form('sat .s32', product24('hi', true))],
  // A quotient by zero is all ones, the remainder the dividend.
  div: [form(integers, divided((a, b) => (b === 0 ? -1 : Math.trunc(a / b)), (a, b) => (b === 0n ? -1n : a / b)))],
  rem: [form(integers, divided((a, b) => (b === 0 ? a : a % b), (a, b) => (b === 0n ? a : a % b)))],
  and: logical((a, b) => a & b, andLong),
  or: logical((a, b) => a | b, orLong),
  xor: logical((a, b) => a ^ b, xorLong),
  not: [form('.b16|b32|b64', unary((x) => ~x, notLong)), form('.pred', (_m, s, ctx) => {
    ctx.operands(2)
    const [d, p] = [ctx.dst(s.operands[0], 'pred'), ctx.predicate(s.operands[1])]
    return { exec: (w, mask) => writePredicate(w.machine.memory, w.base + d, mask, ~readPredicate(w.machine.memory, w.base, p)) }
  })],
  shl: [form('.b16|b32|b64', shift(true))],
  shr: [form('.b16|b32|b64|u16|u32|u64|s16|s32|s64', shift(false))],
  neg: [form('.s16|s32|s64', unary((x) => -x, negLong))],
  abs: [form('.s16|s32|s64', unary(Math.abs, absLong))],
  sad: [form(integers, sad)],
}
