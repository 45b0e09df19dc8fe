// Bit fields, permutations, counts and small dot products (PTX ISA 9.7.1, 9.7.8).
import type { DecodeContext, Statement } from '../decode.ts'
import { popcount } from '../diagnostics.ts'
import type { Exec, Slot } from '../machine.ts'
import { readPredicate, writePredicate } from '../slots.ts'
import { form, type FormDecoder, type Forms } from './forms.ts'
import { map1, map2, map3 } from './lanes.ts'

const reverse32 = (x: number) => { let r = 0; for (let i = 0; i < 32; i++) r = (r << 1) | ((x >>> i) & 1); return r }
const low = (x: bigint) => Number(BigInt.asUintN(32, x))
const high = (x: bigint) => Number(BigInt.asUintN(32, x >> 32n))

/** d = f(a) for 32- or 64-bit a; the result has 32 bits. */
const count = (word: (x: number) => number, long: (x: bigint) => number): FormDecoder => (m, s, ctx) => {
  ctx.operands(2)
  const [d, a] = [ctx.dst(s.operands[0], 'u32'), ctx.src(s.operands[1], m.type)]
  return { exec: m.type === 'b32' ? map1(d, 'i32', a, 'i32', word) : map1(d, 'i32', a, 'u64', long) }
}

/** Position of the highest bit that differs from the sign; -1 if there is none. With .shiftamt what a left shift must be. */
const bfind: FormDecoder = (m, s, ctx) => {
  const shift = m.has('shiftamt')
  ctx.operands(2)
  const { type } = m
  const [d, a] = [ctx.dst(s.operands[0], 'u32'), ctx.src(s.operands[1], type)]
  const size = Number(type.slice(1))
  const result = (p: number) => (p >= 0 && shift ? size - 1 - p : p)
  const word = (x: number) => result(31 - Math.clz32(type[0] === 's' && x < 0 ? ~x : x))
  if (size === 32) return { exec: map1(d, 'i32', a, 'i32', word) }
  return { exec: map1(d, 'i32', a, 'i64', (x) => { const v = type[0] === 's' && x < 0n ? ~x : x; return result(high(v) ? 63 - Math.clz32(high(v)) : 31 - Math.clz32(low(v))) }) }
}

/** Four operands: d = f(a, b, c) with b and c 32-bit. */
function field(a: Slot, d: Slot, b: Slot, c: Slot, wide: boolean, f: (a: bigint, b: number, c: number) => bigint): Exec {
  return wide ? map3(d, 'u64', a, 'u64', b, 'u32', c, 'u32', f) : map3(d, 'u32', a, 'u32', b, 'u32', c, 'u32', (x, y, z) => Number(f(BigInt(x), y, z)))
}

/** Position and length are 8-bit; bits beyond the top repeat the sign (PTX ISA bfe). */
const bfe: FormDecoder = (m, s, ctx) => {
  ctx.operands(4)
  const { type } = m
  const [d, a, b, c] = [ctx.dst(s.operands[0], type), ctx.src(s.operands[1], type), ctx.src(s.operands[2], 'u32'), ctx.src(s.operands[3], 'u32')]
  const size = Number(type.slice(1))
  const signed = type[0] === 's'
  if (size === 32 && !signed) {
    return { exec: map3(d, 'i32', a, 'u32', b, 'i32', c, 'i32', (x, position, length) => {
      const [p, n] = [position & 255, length & 255]
      return p > 31 || n === 0 ? 0 : n > 31 ? x >>> p : (x >>> p) & ((1 << n) - 1)
    }) }
  }
  return {
    exec: field(a, d, b, c, size === 64, (x, position, length) => {
      const [p, n] = [position & 255, length & 255]
      if (n === 0) return 0n
      const wide = signed ? BigInt.asIntN(size, x) : x
      const cut = wide >> BigInt(p)
      const own = Math.min(n, Math.max(size - p, 0))
      // A field that runs past the top has the operand's sign as its sign.
      if (!signed) return BigInt.asUintN(own, cut)
      return BigInt.asUintN(size, own === 0 ? (wide < 0n ? -1n : 0n) : BigInt.asIntN(own, cut))
    }),
  }
}

/** Inserts the low bits of a into b. */
const bfi: FormDecoder = (m, s, ctx) => {
  ctx.operands(5)
  const { type } = m
  const [f, a, b] = [ctx.dst(s.operands[0], type), ctx.src(s.operands[1], type), ctx.src(s.operands[2], type)]
  const [c, d] = [ctx.src(s.operands[3], 'u32'), ctx.src(s.operands[4], 'u32')]
  const size = Number(type.slice(1))
  const shift = size === 64 ? 3 : 2
  return {
    exec(w, mask) {
      const memory = w.machine.memory
      const words = (size === 64 ? memory.u64 : memory.u32) as unknown as { [n: number]: number | bigint }
      for (let lane = 0, left = mask; left !== 0; lane++, left >>>= 1) {
        if (!(left & 1)) continue
        const at = (slot: Slot) => ((w.base + slot) >> shift) + lane
        const p = memory.u32[((w.base + c) >> 2) + lane] & 255
        const n = memory.u32[((w.base + d) >> 2) + lane] & 255
        const keep = BigInt.asUintN(size, ((1n << BigInt(n)) - 1n) << BigInt(p))
        const value = (BigInt(words[at(b)]) & ~keep) | ((BigInt(words[at(a)]) << BigInt(p)) & keep)
        words[at(f)] = size === 64 ? BigInt.asUintN(64, value) : Number(BigInt.asUintN(32, value))
      }
    },
  }
}

/** Eight bytes of {b, a}; a selector's top bit repeats the byte's sign. */
function permute(a: number, b: number, selectors: readonly number[]): number {
  const byte = (i: number) => ((i < 4 ? a >>> (8 * i) : b >>> (8 * (i - 4))) & 255)
  return selectors.reduce((r, s, i) => r | (((s & 8) ? (byte(s & 7) & 0x80 ? 255 : 0) : byte(s & 7)) << (8 * i)), 0)
}
const tables: Readonly<Record<string, readonly (readonly number[])[]>> = {
  f4e: [[0, 1, 2, 3], [1, 2, 3, 4], [2, 3, 4, 5], [3, 4, 5, 6]], b4e: [[0, 7, 6, 5], [1, 0, 7, 6], [2, 1, 0, 7], [3, 2, 1, 0]],
  rc8: [0, 1, 2, 3].map((i) => [i, i, i, i]), ecl: [[0, 1, 2, 3], [1, 1, 2, 3], [2, 2, 2, 3], [3, 3, 3, 3]],
  ecr: [[0, 0, 0, 0], [0, 1, 1, 1], [0, 1, 2, 2], [0, 1, 2, 3]], rc16: [[0, 1, 0, 1], [2, 3, 2, 3], [0, 1, 0, 1], [2, 3, 2, 3]],
}
const prmt: FormDecoder = (m, s, ctx) => {
  const mode = m.one('f4e', 'b4e', 'rc8', 'ecl', 'ecr', 'rc16')
  const [d, a, b, c] = four(s, ctx, 'b32')
  const nibbles = (sel: number) => [sel & 15, (sel >>> 4) & 15, (sel >>> 8) & 15, (sel >>> 12) & 15]
  return { exec: map3(d, 'i32', a, 'i32', b, 'i32', c, 'u32', (x, y, sel) => permute(x, y, mode ? tables[mode][sel & 3] : nibbles(sel))) }
}

function four(s: Statement, ctx: DecodeContext, type: string): [Slot, Slot, Slot, Slot] {
  ctx.operands(4)
  return [ctx.dst(s.operands[0], type), ctx.src(s.operands[1], type), ctx.src(s.operands[2], type), ctx.src(s.operands[3], type)]
}

/** Any logic of three inputs, by its truth table: a is 0xF0, b 0xCC, c 0xAA. */
function logicOf(table: number): (x: number, y: number, z: number) => number {
  const rows = [0, 1, 2, 3, 4, 5, 6, 7].filter((k) => (table >> k) & 1)
  return (x, y, z) => {
    let r = 0
    for (const k of rows) r |= (k & 4 ? x : ~x) & (k & 2 ? y : ~y) & (k & 1 ? z : ~z)
    return r
  }
}
function tableOf(s: Statement, ctx: DecodeContext): (x: number, y: number, z: number) => number {
  return logicOf(ctx.constant(s.operands[4], 'the table of lop3') & 255)
}
const lop3: FormDecoder = (_m, s, ctx) => {
  ctx.operands(5)
  const [d, a, b, c] = [ctx.dst(s.operands[0], 'b32'), ctx.src(s.operands[1], 'b32'), ctx.src(s.operands[2], 'b32'), ctx.src(s.operands[3], 'b32')]
  return { exec: map3(d, 'i32', a, 'i32', b, 'i32', c, 'i32', tableOf(s, ctx)) }
}
/** lop3.or and lop3.and: d|p, with p = (d != 0) or/and q. */
const lop3Bool: FormDecoder = (m, s, ctx) => {
  ctx.operands(6)
  if (s.operands[0].kind !== 'pair') ctx.error('the result of lop3 with .or or .and is a register and a predicate: d|p', s.operands[0].at)
  const [d, p] = ctx.dstPair(s.operands[0], 'b32', 'pred')
  const [a, b, c] = [ctx.src(s.operands[1], 'b32'), ctx.src(s.operands[2], 'b32'), ctx.src(s.operands[3], 'b32')]
  const run = map3(d, 'i32', a, 'i32', b, 'i32', c, 'i32', tableOf(s, ctx))
  const q = ctx.predicate(s.operands[5])
  const isOr = m.has('or')
  return {
    exec(w, mask) {
      const { memory } = w.machine
      const other = readPredicate(memory, w.base, q)
      run(w, mask)
      let some = 0
      for (let lane = 0; lane < 32; lane++) if (memory.i32[((w.base + d) >> 2) + lane] !== 0) some |= 1 << lane
      writePredicate(memory, w.base + p!, mask, isOr ? some | other : some & other)
    },
  }
}

/** Funnel shift of {b, a}. */
const shf = (left: boolean): FormDecoder => (m, s, ctx) => {
  const clamp = m.has('clamp')
  ctx.operands(4)
  const [d, a, b, c] = [ctx.dst(s.operands[0], 'b32'), ctx.src(s.operands[1], 'b32'), ctx.src(s.operands[2], 'b32'), ctx.src(s.operands[3], 'u32')]
  return {
    exec: map3(d, 'i32', a, 'i32', b, 'i32', c, 'u32', (x, y, by) => {
      const n = clamp ? Math.min(by, 32) : by & 31
      if (n === 0) return left ? y : x
      if (n === 32) return left ? x : y
      return left ? (y << n) | (x >>> (32 - n)) : (x >>> n) | (y << (32 - n))
    }),
  }
}

const byte = (x: number, i: number, signed: boolean) => (signed ? (x << (24 - 8 * i)) >> 24 : (x >>> (8 * i)) & 255)
const short = (x: number, i: number, signed: boolean) => (signed ? (x << (16 - 16 * i)) >> 16 : (x >>> (16 * i)) & 65535)
/** c + the four byte products, or two of 16 by 8 bits (.lo and .hi pick b's half). */
const dot = (half: boolean): FormDecoder => (m, s, ctx) => {
  const [at, bt] = m.types
  ctx.operands(4)
  const sum = at === 'u32' && bt === 'u32' ? 'u32' : 's32'
  const [d, a, b, c] = [ctx.dst(s.operands[0], sum), ctx.src(s.operands[1], at), ctx.src(s.operands[2], bt), ctx.src(s.operands[3], sum)]
  const first = m.has('hi') ? 2 : 0
  return {
    exec: map3(d, 'i32', a, 'i32', b, 'i32', c, 'i32', (x, y, z) => {
      let total = z
      if (half) for (let i = 0; i < 2; i++) total += short(x, i, at === 's32') * byte(y, i + first, bt === 's32')
      else for (let i = 0; i < 4; i++) total += byte(x, i, at === 's32') * byte(y, i, bt === 's32')
      return total
    }),
  }
}

const brev: FormDecoder = (m, s, ctx) => {
  ctx.operands(2)
  const [d, a] = [ctx.dst(s.operands[0], m.type), ctx.src(s.operands[1], m.type)]
  if (m.type === 'b32') return { exec: map1(d, 'i32', a, 'i32', reverse32) }
  return { exec: map1(d, 'u64', a, 'u64', (x) => (BigInt(reverse32(low(x)) >>> 0) << 32n) | BigInt(reverse32(high(x)) >>> 0)) }
}

const cnot: FormDecoder = (m, s, ctx) => {
  ctx.operands(2)
  const [d, a] = [ctx.dst(s.operands[0], m.type), ctx.src(s.operands[1], m.type)]
  if (m.type === 'b64') return { exec: map1(d, 'u64', a, 'u64', (x) => (x === 0n ? 1n : 0n)) }
  return { exec: map1(d, 'i32', a, 'i32', (x) => (x === 0 ? 1 : 0)) }
}

/** A run of b ones from bit a on. */
const bmsk: FormDecoder = (m, s, ctx) => {
  const clamp = m.has('clamp')
  ctx.operands(3)
  const mask = (a: number, b: number) => {
    const [p, n] = clamp ? [Math.min(a, 32), Math.min(b, 32)] : [a & 31, b & 31]
    return low(((1n << BigInt(n)) - 1n) << BigInt(p)) | 0
  }
  return { exec: map2(ctx.dst(s.operands[0], 'b32'), 'i32', ctx.src(s.operands[1], 'b32'), 'u32', ctx.src(s.operands[2], 'b32'), 'u32', mask) }
}

/** Keeps the low b bits of a and extends them; clamped at 32, or b modulo 32. */
const szext: FormDecoder = (m, s, ctx) => {
  const [clamp, signed] = [m.has('clamp'), m.type === 's32']
  ctx.operands(3)
  const extend = (a: number, b: number) => {
    if (clamp && b >= 32) return a
    const n = b & 31
    // Of no bits at all the sign is the top one: wrapped, 32 bits are meant by 0 there.
    const sign = signed && (a >>> ((n - 1) & 31)) & 1
    const above = -1 << n
    return (a & ~above) | (sign ? above : 0)
  }
  return { exec: map2(ctx.dst(s.operands[0], m.type), 'i32', ctx.src(s.operands[1], m.type), 'i32', ctx.src(s.operands[2], 'u32'), 'u32', extend) }
}

/** The n-th set bit of the mask from `base` on, upwards or downwards; n 0 asks whether `base` itself is set. */
export function nthSetBit(mask: number, base: number, offset: number): number {
  if (offset === 0) return base < 32 && (mask >>> base) & 1 ? base : -1
  const step = offset > 0 ? 1 : -1
  let left = Math.abs(offset)
  for (let at = base; at >= 0 && at < 32; at += step) if ((mask >>> at) & 1 && --left === 0) return at
  return -1
}
const fns: FormDecoder = (_m, s, ctx) => {
  ctx.operands(4)
  const [d, mask, base, offset] = [ctx.dst(s.operands[0], 'b32'), ctx.src(s.operands[1], 'b32'), ctx.src(s.operands[2], 'b32'), ctx.src(s.operands[3], 's32')]
  return { exec: map3(d, 'i32', mask, 'i32', base, 'u32', offset, 'i32', nthSetBit) }
}

const dotNeeds = { ptx: 5.0, sm: 61 }
export const bits: Forms = {
  popc: [form('.b32|b64', count(popcount, (x) => popcount(low(x)) + popcount(high(x))))],
  clz: [form('.b32|b64', count(Math.clz32, (x) => (high(x) === 0 ? 32 + Math.clz32(low(x)) : Math.clz32(high(x)))))],
  bfind: [form('shiftamt? .u32|u64|s32|s64', bfind)],
  brev: [form('.b32|b64', brev)],
  cnot: [form('.b16|b32|b64', cnot)],
  bmsk: [form('clamp|wrap .b32', bmsk, { ptx: 7.6, sm: 70 })],
  szext: [form('clamp|wrap .u32|s32', szext, { ptx: 7.6, sm: 70 })],
  fns: [form('.b32', fns, { ptx: 6.0, sm: 30 })],
  bfe: [form('.u32|u64|s32|s64', bfe)],
  bfi: [form('.b32|b64', bfi)],
  prmt: [form('f4e|b4e|rc8|ecl|ecr|rc16? .b32', prmt)],
  lop3: [form('.b32', lop3, { ptx: 4.3, sm: 50 }), form('or|and .b32', lop3Bool, { ptx: 8.2, sm: 70 })],
  'shf.l': [form('clamp|wrap .b32', shf(true), { ptx: 3.1, sm: 32 })],
  'shf.r': [form('clamp|wrap .b32', shf(false), { ptx: 3.1, sm: 32 })],
  dp4a: [form('.u32|s32 .u32|s32', dot(false), dotNeeds)],
  dp2a: [form('lo|hi .u32|s32 .u32|s32', dot(true), dotNeeds)],
}
