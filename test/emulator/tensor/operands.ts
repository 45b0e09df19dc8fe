// Matrices for tests of the tensor cores: small integers, all rows and columns different, their bits in each element type, and where
// a matrix descriptor's canonical layout puts them (PTX ISA 9.7.15.5, the layouts in CuTe's notation).
import { encodeFloat, formats } from '../../../backends/emulator/numeric/small_float.ts'

export type Matrix = { readonly rows: number; readonly columns: number; at(r: number, c: number): number }

/** Small integers from a fixed sequence: `seed` tells matrices apart. */
export function integers(rows: number, columns: number, seed: number, least: number, most: number): Matrix {
  let x = (seed * 2654435761 + 12345) >>> 0
  const all = Array.from({ length: rows * columns }, () => { x = (Math.imul(x, 1664525) + 1013904223) >>> 0; return least + Math.floor((x / 2 ** 32) * (most - least + 1)) })
  return { rows, columns, at: (r, c) => all[r * columns + c] }
}

export const bitsOf: Readonly<Record<string, (x: number) => number>> = {
  f16: (x) => encodeFloat(x, formats.f16), bf16: (x) => encodeFloat(x, formats.bf16), e4m3: (x) => encodeFloat(x, formats.e4m3), e5m2: (x) => encodeFloat(x, formats.e5m2),
  // The low 13 bits are not looked at.
  tf32: (x) => (encodeFloat(x, formats.f32) | 0x1abc) >>> 0,
  s8: (x) => x & 255, u8: (x) => x & 255, s4: (x) => x & 15, u4: (x) => x & 15, b1: (x) => x & 1,
}
export const sizeOf: Readonly<Record<string, number>> = { f16: 16, bf16: 16, tf32: 32, e4m3: 8, e5m2: 8, s8: 8, u8: 8, s4: 4, u4: 4, b1: 1 }
/** What each type can hold of small integers, with sums that f16 still holds exactly. */
export const rangeOf: Readonly<Record<string, [number, number]>> = { f16: [-4, 4], bf16: [-9, 9], tf32: [-9, 9], e4m3: [-3, 4], e5m2: [-4, 3], s8: [-128, 127], u8: [0, 255], s4: [-8, 7], u4: [0, 15], b1: [0, 1] }

export interface Placing { readonly major: 'k' | 'mn'; readonly swizzle: 0 | 32 | 64 | 128; readonly leading: number; readonly stride: number; readonly start: number; readonly baseOffset?: number }

/** Byte and bit of element (mn, k) of `bits` bits. T elements make 16 bytes. */
export function placeOf({ major, swizzle, leading, stride, start, baseOffset = 0 }: Placing, bits: number, mn: number, k: number): { byte: number; bit: number } {
  const T = 128 / bits
  const W = swizzle / 16
  const unit = (n: number) => (n * bits) / 8
  let byte: number
  if (major === 'k') {
    byte = swizzle === 0
      ? (mn % 8) * 16 + Math.floor(mn / 8) * stride + unit(k % T) + Math.floor(k / T) * leading
      : (mn % 8) * W * 16 + Math.floor(mn / 8) * stride + unit(k)
  } else {
    byte = swizzle === 0
      ? unit(mn % T) + Math.floor(mn / T) * stride + (k % 8) * 16 + Math.floor(k / 8) * leading
      : unit(mn % (T * W)) + Math.floor(mn / (T * W)) * leading + (k % 8) * W * 16 + Math.floor(k / 8) * stride
  }
  const whole = start + Math.floor(byte)
  // Swizzle<B, 4, 3> on the byte address, counted from the start of the pattern.
  const B = { 0: 0, 32: 1, 64: 2, 128: 3 }[swizzle]
  const row = ((whole >> 7) - baseOffset) & ((1 << B) - 1)
  return { byte: whole ^ (row << 4), bit: Math.round((byte - Math.floor(byte)) * 8) }
}

export function store(image: Uint8Array, type: string, matrix: Matrix, placing: Placing): void {
  const bits = sizeOf[type]
  for (let r = 0; r < matrix.rows; r++) for (let c = 0; c < matrix.columns; c++) {
    const { byte, bit } = placeOf(placing, bits, r, c)
    const own = bitsOf[type](matrix.at(r, c))
    if (bits < 8) image[byte] |= own << bit
    else for (let i = 0; i < bits / 8; i++) image[byte + i] = (own >>> (8 * i)) & 255
  }
}

const modes = { 0: 0n, 128: 1n, 64: 2n, 32: 3n }
export function descriptor({ swizzle, leading, stride, start, baseOffset = 0 }: Placing): bigint {
  return (BigInt(start) >> 4n) | ((BigInt(leading) >> 4n) << 16n) | ((BigInt(stride) >> 4n) << 32n) | (BigInt(baseOffset) << 49n) | (modes[swizzle] << 62n)
}

export const product = (A: Matrix, B: Matrix, m: number, n: number): number => { let sum = 0; for (let k = 0; k < A.columns; k++) sum += A.at(m, k) * B.at(n, k); return sum }
