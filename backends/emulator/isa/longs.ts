// 64-bit integers as two words: the hot ones without BigInt. A function of the operands' words leaves its result in `low`, `high`.
import type { Exec, Slot } from '../machine.ts'

let low = 0
let high = 0

/** Of two 64-bit operands, as low and high words. */
export type Long2 = (al: number, ah: number, bl: number, bh: number) => void

/** `bWords` 1: the second operand is a 32-bit word (a shift amount); its high word is 0. */
export function mapLong2(d: Slot, a: Slot, b: Slot, f: Long2, bWords: 1 | 2 = 2): Exec {
  return (w, mask) => {
    const { u32 } = w.machine.memory
    const [to, x, y] = [(w.base + d) >> 2, (w.base + a) >> 2, (w.base + b) >> 2]
    for (let lane = 0, m = mask; m !== 0; lane++, m >>>= 1) {
      if (!(m & 1)) continue
      const i = 2 * lane
      f(u32[x + i], u32[x + i + 1], u32[y + bWords * lane], bWords === 2 ? u32[y + i + 1] : 0)
      u32[to + i] = low
      u32[to + i + 1] = high
    }
  }
}

export function mapLong1(d: Slot, a: Slot, f: (al: number, ah: number) => void): Exec {
  return (w, mask) => {
    const { u32 } = w.machine.memory
    const [to, x] = [(w.base + d) >> 2, (w.base + a) >> 2]
    for (let lane = 0, m = mask; m !== 0; lane++, m >>>= 1) {
      if (!(m & 1)) continue
      f(u32[x + 2 * lane], u32[x + 2 * lane + 1])
      u32[to + 2 * lane] = low
      u32[to + 2 * lane + 1] = high
    }
  }
}

export const addLong: Long2 = (al, ah, bl, bh) => { const s = al + bl; low = s | 0; high = ah + bh + (s > 0xffffffff ? 1 : 0) }
export const subLong: Long2 = (al, ah, bl, bh) => { low = al - bl; high = ah - bh - (al < bl ? 1 : 0) }
export const andLong: Long2 = (al, ah, bl, bh) => { low = al & bl; high = ah & bh }
export const orLong: Long2 = (al, ah, bl, bh) => { low = al | bl; high = ah | bh }
export const xorLong: Long2 = (al, ah, bl, bh) => { low = al ^ bl; high = ah ^ bh }
export const notLong = (al: number, ah: number): void => { low = ~al; high = ~ah }
export const negLong = (al: number, ah: number): void => { low = -al; high = al === 0 ? -ah : ~ah }
export const absLong = (al: number, ah: number): void => { if (ah & 0x80000000) negLong(al, ah); else { low = al; high = ah } }

/** Full product of two unsigned words, by 16-bit pieces. */
export function productOfWords(a: number, b: number): void {
  const [a0, a1, b0, b1] = [a & 0xffff, a >>> 16, b & 0xffff, b >>> 16]
  const p00 = a0 * b0
  const middle = a1 * b0 + (p00 >>> 16)
  const other = a0 * b1 + (middle & 0xffff)
  low = Math.imul(a, b)
  high = a1 * b1 + Math.floor(middle / 65536) + Math.floor(other / 65536)
}
/** The high word of a product of two words. */
export function highOfProduct(a: number, b: number, signed: boolean): number {
  productOfWords(a >>> 0, b >>> 0)
  return (signed ? high - (a < 0 ? b : 0) - (b < 0 ? a : 0) : high) | 0
}
export const mulLong: Long2 = (al, ah, bl, bh) => { productOfWords(al, bl); high += Math.imul(al, bh) + Math.imul(ah, bl) }

export const less = (al: number, ah: number, bl: number, bh: number): boolean => ah < bh || (ah === bh && al < bl)
/** min or max; signed ones compare with their sign bits turned. */
export const pickLong = (least: boolean, signed: boolean): Long2 => {
  const turn = signed ? 0x80000000 : 0
  return (al, ah, bl, bh) => {
    const first = less(al, (ah ^ turn) >>> 0, bl, (bh ^ turn) >>> 0) === least
    low = first ? al : bl
    high = first ? ah : bh
  }
}

export const shlLong: Long2 = (al, ah, n) => {
  if (n >= 64) { low = 0; high = 0 } else if (n >= 32) { high = al << (n - 32); low = 0 } else if (n === 0) { low = al; high = ah } else { high = (ah << n) | (al >>> (32 - n)); low = al << n }
}
export const shrLong = (signed: boolean): Long2 => (al, ah, n) => {
  const fill = signed ? (ah | 0) >> 31 : 0
  if (n >= 64) { low = fill; high = fill } else if (n >= 32) { low = signed ? (ah | 0) >> (n - 32) : ah >>> (n - 32); high = fill } else if (n === 0) { low = al; high = ah } else { low = (al >>> n) | (ah << (32 - n)); high = signed ? (ah | 0) >> n : ah >>> n }
}

/** mul.wide and mad.wide of words: d = a * b + c. */
export function mapWide(d: Slot, a: Slot, b: Slot, c: Slot | null, signed: boolean): Exec {
  return (w, mask) => {
    const { u32 } = w.machine.memory
    const [to, x, y] = [(w.base + d) >> 2, (w.base + a) >> 2, (w.base + b) >> 2]
    const z = c === null ? 0 : (w.base + c) >> 2
    for (let lane = 0, m = mask; m !== 0; lane++, m >>>= 1) {
      if (!(m & 1)) continue
      const [p, q] = [u32[x + lane], u32[y + lane]]
      productOfWords(p, q)
      if (signed) high -= (p & 0x80000000 ? q : 0) + (q & 0x80000000 ? p : 0)
      if (c !== null) addLong(low >>> 0, high, u32[z + 2 * lane], u32[z + 2 * lane + 1])
      u32[to + 2 * lane] = low
      u32[to + 2 * lane + 1] = high
    }
  }
}

/** mad.lo of 64 bits: d = a * b + c. */
export function mapMadLong(d: Slot, a: Slot, b: Slot, c: Slot): Exec {
  return (w, mask) => {
    const { u32 } = w.machine.memory
    const [to, x, y, z] = [(w.base + d) >> 2, (w.base + a) >> 2, (w.base + b) >> 2, (w.base + c) >> 2]
    for (let lane = 0, m = mask; m !== 0; lane++, m >>>= 1) {
      if (!(m & 1)) continue
      const i = 2 * lane
      mulLong(u32[x + i], u32[x + i + 1], u32[y + i], u32[y + i + 1])
      addLong(low >>> 0, high, u32[z + i], u32[z + i + 1])
      u32[to + i] = low
      u32[to + i + 1] = high
    }
  }
}
