// Integer arithmetic and logic of 16, 32 and 64 bits (PTX ISA 9.7.1, 9.7.8).
import type { Chapter, DecodeContext, Decoded, Decoder } from '../decode.ts'
import { readPredicate, writePredicate } from '../slots.ts'
import { integerView, map1, map2, map3, narrow, widthMask } from './lanes.ts'

const integers = ['u16', 'u32', 'u64', 's16', 's32', 's64'] as const
const bits = ['b16', 'b32', 'b64', 'pred'] as const
type Word = (a: number, b: number) => number
type Long = (a: bigint, b: bigint) => bigint

function binary(ctx: DecodeContext, s: Parameters<Decoder>[0], type: string, word: Word, long: Long): Decoded {
  ctx.operands(3)
  const [d, a, b] = [ctx.dst(s.operands[0], type), ctx.src(s.operands[1], type), ctx.src(s.operands[2], type)]
  const v = integerView(type)
  if (v === 'i64' || v === 'u64') return { exec: map2(d, 'u64', a, v, b, v, (x, y) => BigInt.asUintN(64, long(x, y))) }
  const [n, m] = [narrow[type], widthMask[type]]
  return { exec: map2(d, 'i32', a, 'i32', b, 'i32', (x, y) => word(n(x), n(y)) & m) }
}

const arithmetic = (word: Word, long: Long): Decoder => (s, ctx) => binary(ctx, s, ctx.modifiers.need(integers, 'type'), word, long)

/** Logic on bits and on predicates. */
const logical = (word: Word, long: Long): Decoder => (s, ctx) => {
  const type = ctx.modifiers.need(bits, 'type')
  if (type !== 'pred') return binary(ctx, s, type, word, long)
  ctx.operands(3)
  const [d, a, b] = [ctx.dst(s.operands[0], 'pred'), ctx.predicate(s.operands[1]), ctx.predicate(s.operands[2])]
  return {
    exec(w, mask) {
      const { memory } = w.machine
      writePredicate(memory, w.base + d, mask, word(readPredicate(memory, w.base, a), readPredicate(memory, w.base, b)))
    },
  }
}

/** mul and mad: low or high half, or the whole product at twice the width. */
function product(s: Parameters<Decoder>[0], ctx: DecodeContext, plus: boolean): Decoded {
  const part = ctx.modifiers.need(['lo', 'hi', 'wide'] as const, 'part')
  const type = ctx.modifiers.need(integers, 'type')
  const size = Number(type.slice(1))
  if (part === 'wide' && size === 64) ctx.error(`${s.opcode}.wide has no 64-bit sources`)
  const wide = part === 'wide' ? `${type[0]}${size * 2}` : type
  ctx.operands(plus ? 4 : 3)
  const [d, a, b] = [ctx.dst(s.operands[0], wide), ctx.src(s.operands[1], type), ctx.src(s.operands[2], type)]
  const c = plus ? ctx.src(s.operands[3], wide) : ctx.src({ kind: 'int', value: 0n, at: s.at }, wide)
  const v = integerView(type)
  if (v === 'i64' || v === 'u64') {
    return { exec: map3(d, 'u64', a, v, b, v, c, 'u64', (x, y, z) => BigInt.asUintN(64, (part === 'hi' ? (x * y) >> 64n : x * y) + z)) }
  }
  const n = narrow[type]
  if (size === 32 && part === 'lo') return { exec: map3(d, 'i32', a, 'i32', b, 'i32', c, 'i32', (x, y, z) => Math.imul(x, y) + z) }
  if (size === 32 && part === 'wide') return { exec: map3(d, 'u64', a, v, b, v, c, 'u64', (x, y, z) => BigInt.asUintN(64, BigInt(x) * BigInt(y) + z)) }
  if (size === 32) return { exec: map3(d, 'i32', a, v, b, v, c, 'i32', (x, y, z) => Number(BigInt.asIntN(32, (BigInt(x) * BigInt(y)) >> 32n)) + z) }
  const m = part === 'wide' ? -1 : 0xffff
  return { exec: map3(d, 'i32', a, 'i32', b, 'i32', c, 'i32', (x, y, z) => { const p = n(x) * n(y); return ((part === 'hi' ? p >> 16 : p) + z) & m }) }
}

/** A quotient by zero is all ones, the remainder the dividend. */
const divide: Decoder = arithmetic((a, b) => (b === 0 ? -1 : Math.trunc(a / b)), (a, b) => (b === 0n ? -1n : a / b))
const remainder: Decoder = arithmetic((a, b) => (b === 0 ? a : a % b), (a, b) => (b === 0n ? a : a % b))

/** Shifts clamp their amount at the width. */
const shift = (left: boolean): Decoder => (s, ctx) => {
  const type = ctx.modifiers.need(['b16', 'b32', 'b64', 'u16', 'u32', 'u64', 's16', 's32', 's64'] as const, 'type')
  ctx.operands(3)
  const [d, a, b] = [ctx.dst(s.operands[0], type), ctx.src(s.operands[1], type), ctx.src(s.operands[2], 'u32')]
  const size = Number(type.slice(1))
  const v = integerView(type)
  if (v === 'i64' || v === 'u64') return { exec: map2(d, 'u64', a, v, b, 'u32', (x, n) => BigInt.asUintN(64, left ? x << BigInt(Math.min(n, 64)) : x >> BigInt(Math.min(n, 64)))) }
  const [widen, m] = [narrow[type], widthMask[type]]
  const signed = type[0] === 's'
  return {
    exec: map2(d, 'i32', a, 'i32', b, 'u32', (x, n) => {
      if (n >= size) return !left && signed ? (widen(x) < 0 ? m : 0) : 0
      return (left ? x << n : signed ? widen(x) >> n : widen(x) >>> n) & m
    }),
  }
}

export const integer: Chapter = {
  add: arithmetic((a, b) => a + b, (a, b) => a + b),
  sub: arithmetic((a, b) => a - b, (a, b) => a - b),
  min: arithmetic(Math.min, (a, b) => (a < b ? a : b)),
  max: arithmetic(Math.max, (a, b) => (a > b ? a : b)),
  mul: (s, ctx) => product(s, ctx, false),
  mad: (s, ctx) => product(s, ctx, true),
  div: divide,
  rem: remainder,
  and: logical((a, b) => a & b, (a, b) => a & b),
  or: logical((a, b) => a | b, (a, b) => a | b),
  xor: logical((a, b) => a ^ b, (a, b) => a ^ b),
  shl: shift(true),
  shr: shift(false),
  not(s, ctx) {
    const type = ctx.modifiers.need(bits, 'type')
    ctx.operands(2)
    if (type === 'pred') {
      const [d, p] = [ctx.dst(s.operands[0], 'pred'), ctx.predicate(s.operands[1])]
      return { exec: (w, mask) => writePredicate(w.machine.memory, w.base + d, mask, ~readPredicate(w.machine.memory, w.base, p)) }
    }
    const [d, a] = [ctx.dst(s.operands[0], type), ctx.src(s.operands[1], type)]
    if (type === 'b64') return { exec: map1(d, 'u64', a, 'u64', (x) => BigInt.asUintN(64, ~x)) }
    return { exec: map1(d, 'i32', a, 'i32', (x) => ~x & widthMask[type]) }
  },
  neg: unary((x) => -x, (x) => -x),
  abs: unary(Math.abs, (x) => (x < 0n ? -x : x)),
}

function unary(word: (x: number) => number, long: (x: bigint) => bigint): Decoder {
  return (s, ctx) => {
    const type = ctx.modifiers.need(['s16', 's32', 's64'] as const, 'type')
    ctx.operands(2)
    const [d, a] = [ctx.dst(s.operands[0], type), ctx.src(s.operands[1], type)]
    if (type === 's64') return { exec: map1(d, 'u64', a, 'i64', (x) => BigInt.asUintN(64, long(x))) }
    return { exec: map1(d, 'i32', a, 'i32', (x) => word(narrow[type](x)) & widthMask[type]) }
  }
}
