// Bit fields, permutations, counts and small dot products (PTX ISA 9.7.1, 9.7.8).
import type { Chapter, DecodeContext, Decoder } from '../decode.ts'
import { popcount } from '../diagnostics.ts'
import type { Exec, Slot } from '../machine.ts'
import { map1, map2, map3 } from './lanes.ts'

const reverse32 = (x: number) => { let r = 0; for (let i = 0; i < 32; i++) r = (r << 1) | ((x >>> i) & 1); return r }
const low = (x: bigint) => Number(BigInt.asUintN(32, x))
const high = (x: bigint) => Number(BigInt.asUintN(32, x >> 32n))

/** d = f(a) for 32- or 64-bit a; the result has 32 bits unless `wide`. */
const count = (word: (x: number) => number, long: (x: bigint) => number): Decoder => (s, ctx) => {
  const type = ctx.modifiers.need(['b32', 'b64'] as const, 'type')
  ctx.operands(2)
  const [d, a] = [ctx.dst(s.operands[0], 'b32'), ctx.src(s.operands[1], type)]
  return { exec: type === 'b32' ? map1(d, 'i32', a, 'i32', word) : map1(d, 'i32', a, 'u64', long) }
}

/** Position of the highest bit that differs from the sign; -1 if there is none. With .shiftamt what a left shift must be. */
const bfind: Decoder = (s, ctx) => {
  const shift = ctx.modifiers.flag('shiftamt')
  const type = ctx.modifiers.need(['u32', 'u64', 's32', 's64'] as const, 'type')
  ctx.operands(2)
  const [d, a] = [ctx.dst(s.operands[0], 'u32'), ctx.src(s.operands[1], type)]
  const size = Number(type.slice(1))
  const position = (x: bigint) => { const v = type[0] === 's' && x < 0n ? ~x : x; return v === 0n ? -1 : v.toString(2).length - 1 }
  const result = (x: bigint) => { const p = position(x); return p >= 0 && shift ? size - 1 - p : p }
  if (size === 64) return { exec: map1(d, 'i32', a, type === 's64' ? 'i64' : 'u64', result) }
  return { exec: map1(d, 'i32', a, type === 's32' ? 'i32' : 'u32', (x) => result(BigInt(x))) }
}

/** Four operands: d = f(a, b, c) with b and c 32-bit. */
function field(a: Slot, d: Slot, b: Slot, c: Slot, wide: boolean, f: (a: bigint, b: number, c: number) => bigint): Exec {
  return wide ? map3(d, 'u64', a, 'u64', b, 'u32', c, 'u32', f) : map3(d, 'u32', a, 'u32', b, 'u32', c, 'u32', (x, y, z) => Number(f(BigInt(x), y, z)))
}

/** Position and length are 8-bit; bits beyond the top repeat the sign (PTX ISA bfe). */
const bfe: Decoder = (s, ctx) => {
  const type = ctx.modifiers.need(['u32', 'u64', 's32', 's64'] as const, 'type')
  ctx.operands(4)
  const [d, a, b, c] = [ctx.dst(s.operands[0], type), ctx.src(s.operands[1], type), ctx.src(s.operands[2], 'u32'), ctx.src(s.operands[3], 'u32')]
  const size = Number(type.slice(1))
  return {
    exec: field(a, d, b, c, size === 64, (x, position, length) => {
      const [p, n] = [position & 255, length & 255]
      if (n === 0) return 0n
      const signed = type[0] === 's'
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
const bfi: Decoder = (s, ctx) => {
  const type = ctx.modifiers.need(['b32', 'b64'] as const, 'type')
  ctx.operands(5)
  const [f, a, b] = [ctx.dst(s.operands[0], type), ctx.src(s.operands[1], type), ctx.src(s.operands[2], type)]
  const [c, d] = [ctx.src(s.operands[3], 'u32'), ctx.src(s.operands[4], 'u32')]
  const size = Number(type.slice(1))
  const shift = size === 64 ? 3 : 2
  return {
    exec(w, mask) {
      const memory = w.machine.memory
      const words = (size === 64 ? memory.u64 : memory.u32) as unknown as { [n: number]: number | bigint }
      for (let lane = 0, m = mask; m !== 0; lane++, m >>>= 1) {
        if (!(m & 1)) continue
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
const prmt: Decoder = (s, ctx) => {
  ctx.modifiers.need(['b32'] as const, 'type')
  const mode = ctx.modifiers.oneOf(['f4e', 'b4e', 'rc8', 'ecl', 'ecr', 'rc16'] as const)
  const [d, a, b, c] = four(s, ctx)
  const nibbles = (sel: number) => [0, 1, 2, 3].map((i) => (sel >>> (4 * i)) & 15)
  return { exec: map3(d, 'i32', a, 'i32', b, 'i32', c, 'u32', (x, y, sel) => permute(x, y, mode ? tables[mode][sel & 3] : nibbles(sel))) }
}

function four(s: Parameters<Decoder>[0], ctx: DecodeContext): [Slot, Slot, Slot, Slot] {
  ctx.operands(4)
  return [ctx.dst(s.operands[0], 'b32'), ctx.src(s.operands[1], 'b32'), ctx.src(s.operands[2], 'b32'), ctx.src(s.operands[3], 'b32')]
}

/** Any logic of three inputs, by its truth table: a is 0xF0, b 0xCC, c 0xAA. */
const lop3: Decoder = (s, ctx) => {
  ctx.modifiers.need(['b32'] as const, 'type')
  ctx.operands(5)
  const [d, a, b, c] = [ctx.dst(s.operands[0], 'b32'), ctx.src(s.operands[1], 'b32'), ctx.src(s.operands[2], 'b32'), ctx.src(s.operands[3], 'b32')]
  const table = ctx.constant(s.operands[4], 'the table of lop3')
  if (table < 0 || table > 255) ctx.error(`the table of lop3 is ${table}, must be 0 to 255`)
  return {
    exec: map3(d, 'i32', a, 'i32', b, 'i32', c, 'i32', (x, y, z) => {
      let r = 0
      for (let k = 0; k < 8; k++) if ((table >> k) & 1) r |= (k & 4 ? x : ~x) & (k & 2 ? y : ~y) & (k & 1 ? z : ~z)
      return r
    }),
  }
}

/** Funnel shift of {b, a}. */
const shf: Decoder = (s, ctx) => {
  const left = ctx.modifiers.need(['l', 'r'] as const, 'direction') === 'l'
  const clamp = ctx.modifiers.need(['clamp', 'wrap'] as const, 'mode') === 'clamp'
  ctx.modifiers.need(['b32'] as const, 'type')
  const [d, a, b, c] = four(s, ctx)
  return {
    exec: map3(d, 'i32', a, 'u32', b, 'u32', c, 'u32', (x, y, by) => {
      const n = clamp ? Math.min(by, 32) : by & 31
      const both = (BigInt(y) << 32n) | BigInt(x)
      return left ? high(both << BigInt(n)) | 0 : low(both >> BigInt(n)) | 0
    }),
  }
}

/** c + the four byte products, or two of 16 by 8 bits (.lo and .hi pick b's half). */
function dot(half: boolean): Decoder {
  return (s, ctx) => {
    const upper = half && ctx.modifiers.need(['lo', 'hi'] as const, 'half') === 'hi'
    const at = ctx.modifiers.need(['u32', 's32'] as const, 'type of a')
    const bt = ctx.modifiers.need(['u32', 's32'] as const, 'type of b')
    const [d, a, b, c] = four(s, ctx)
    const byte = (x: number, i: number, signed: boolean) => (signed ? (x << (24 - 8 * i)) >> 24 : (x >>> (8 * i)) & 255)
    const short = (x: number, i: number, signed: boolean) => (signed ? (x << (16 - 16 * i)) >> 16 : (x >>> (16 * i)) & 65535)
    return {
      exec: map3(d, 'i32', a, 'i32', b, 'i32', c, 'i32', (x, y, z) => {
        let sum = z
        if (half) for (let i = 0; i < 2; i++) sum += short(x, i, at === 's32') * byte(y, i + (upper ? 2 : 0), bt === 's32')
        else for (let i = 0; i < 4; i++) sum += byte(x, i, at === 's32') * byte(y, i, bt === 's32')
        return sum
      }),
    }
  }
}

export const bits: Chapter = {
  popc: count(popcount, (x) => popcount(low(x)) + popcount(high(x))),
  clz: count(Math.clz32, (x) => (high(x) === 0 ? 32 + Math.clz32(low(x)) : Math.clz32(high(x)))),
  brev(s, ctx) {
    const type = ctx.modifiers.need(['b32', 'b64'] as const, 'type')
    ctx.operands(2)
    const [d, a] = [ctx.dst(s.operands[0], type), ctx.src(s.operands[1], type)]
    if (type === 'b32') return { exec: map1(d, 'i32', a, 'i32', reverse32) }
    return { exec: map1(d, 'u64', a, 'u64', (x) => (BigInt(reverse32(low(x)) >>> 0) << 32n) | BigInt(reverse32(high(x)) >>> 0)) }
  },
  cnot(s, ctx) {
    const type = ctx.modifiers.need(['b16', 'b32'] as const, 'type')
    ctx.operands(2)
    return { exec: map1(ctx.dst(s.operands[0], type), 'i32', ctx.src(s.operands[1], type), 'i32', (x) => (x === 0 ? 1 : 0)) }
  },
  sad(s, ctx) {
    const type = ctx.modifiers.need(['u32', 's32'] as const, 'type')
    const [d, a, b, c] = four(s, ctx)
    const v = type === 's32' ? 'i32' : 'u32'
    return { exec: map3(d, 'i32', a, v, b, v, c, 'i32', (x, y, z) => Math.abs(x - y) + z) }
  },
  bmsk(s, ctx) {
    const clamp = ctx.modifiers.need(['clamp', 'wrap'] as const, 'mode') === 'clamp'
    ctx.modifiers.need(['b32'] as const, 'type')
    ctx.operands(3)
    const mask = (a: number, b: number) => {
      const [p, n] = clamp ? [Math.min(a, 32), Math.min(b, 32)] : [a & 31, b & 31]
      return low(((1n << BigInt(n)) - 1n) << BigInt(p)) | 0
    }
    return { exec: map2(ctx.dst(s.operands[0], 'b32'), 'i32', ctx.src(s.operands[1], 'b32'), 'u32', ctx.src(s.operands[2], 'b32'), 'u32', mask) }
  },
  bfind, bfe, bfi, prmt, lop3, shf, dp4a: dot(false), dp2a: dot(true),
}
