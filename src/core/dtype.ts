// Element types and their exact conversions. Everything that rounds does so to nearest, ties to even.

export type DType = 'f32' | 'bf16' | 'f16' | 'e4m3' | 'e5m2' | 'i32' | 'u32' | 'u8'

export const byteSize: Record<DType, number> = { f32: 4, bf16: 2, f16: 2, e4m3: 1, e5m2: 1, i32: 4, u32: 4, u8: 1 }

/** The typed arrays an op's reference computes on. Float64Array appears only in gradient checks. */
export type Numbers = Float32Array | Float64Array | Int32Array | Uint32Array | Uint8Array

/** dtypes that a host array holds as they are; the others are decoded to float32 first. */
export const isInteger = (dtype: DType) => dtype === 'i32' || dtype === 'u32' || dtype === 'u8'

const f32 = new Float32Array(1)
const bits = new Uint32Array(f32.buffer)

export function toBf16(x: number): number {
  f32[0] = x
  const u = bits[0]
  if ((u & 0x7fffffff) > 0x7f800000) return (u >>> 16) | 0x40 // NaN stays NaN
  return ((u + 0x7fff + ((u >>> 16) & 1)) >>> 16) & 0xffff
}

export function fromBf16(h: number): number {
  bits[0] = h << 16
  return f32[0]
}

/** Layout of a small float. Without infinities the one NaN code follows the largest finite one. */
interface SmallFloat { exponentBits: number; mantissaBits: number; nan: number; infinities: boolean }

const formats = {
  f16: { exponentBits: 5, mantissaBits: 10, nan: 0x7e00, infinities: true },
  e4m3: { exponentBits: 4, mantissaBits: 3, nan: 0x7f, infinities: false },
  e5m2: { exponentBits: 5, mantissaBits: 2, nan: 0x7f, infinities: true },
} satisfies Record<string, SmallFloat>

function decodeSmall(code: number, f: SmallFloat): number {
  const sign = code >> (f.exponentBits + f.mantissaBits) ? -1 : 1
  const exponent = (code >> f.mantissaBits) & ((1 << f.exponentBits) - 1)
  const mantissa = code & ((1 << f.mantissaBits) - 1)
  const bias = (1 << (f.exponentBits - 1)) - 1
  const top = (1 << f.exponentBits) - 1
  if (f.infinities && exponent === top) return mantissa ? NaN : sign * Infinity
  if (!f.infinities && exponent === top && mantissa === (1 << f.mantissaBits) - 1) return NaN
  if (exponent === 0) return sign * mantissa * 2 ** (1 - bias - f.mantissaBits)
  return sign * (1 + mantissa / (1 << f.mantissaBits)) * 2 ** (exponent - bias)
}

const f64 = new Float64Array(1)
const halves = new Uint32Array(f64.buffer) // low word first: every machine that runs this is little-endian

/** Rounds a float64 to nearest even, once. fp8 saturates (infinities too), f16 overflows to infinity as IEEE 754 does. */
function encodeSmall(x: number, { exponentBits, mantissaBits, nan, infinities }: SmallFloat, saturate: boolean): number {
  f64[0] = x
  const high = halves[1]
  const sign = (high >>> 31) << (exponentBits + mantissaBits)
  const bias = (1 << (exponentBits - 1)) - 1
  const exponent = ((high >>> 20) & 0x7ff) - 1023
  if (exponent === -1023) return sign // zero, or far below the smallest
  if (x !== x) return nan
  const top = ((1 << exponentBits) - 1) << mantissaBits
  const largest = infinities ? top - 1 : nan - 1
  if (exponent > bias + 1) return sign | (saturate ? largest : top)
  // 1.20 fixed point from the high word, and one sticky bit for the low word.
  const mantissa = (((high & 0xfffff) | 0x100000) << 1) | (halves[0] ? 1 : 0)
  const drop = 21 - mantissaBits + Math.max(0, 1 - bias - exponent)
  if (drop > 22) return sign // less than half of the smallest
  const rest = mantissa & ((1 << drop) - 1)
  const half = 1 << (drop - 1)
  let q = mantissa >>> drop
  if (rest > half || (rest === half && q & 1)) q++
  // The leading one of a normal q adds one to the exponent field; a carry does so too.
  const code = ((Math.max(exponent, 1 - bias) + bias - 1) << mantissaBits) + q
  if (code > largest) return sign | (saturate ? largest : top)
  return sign | code
}

const table = (f: SmallFloat) => Float32Array.from({ length: 1 << (1 + f.exponentBits + f.mantissaBits) }, (_, i) => decodeSmall(i, f))
export const e4m3Values = table(formats.e4m3)
export const e5m2Values = table(formats.e5m2)

export const toE4m3 = (x: number) => encodeSmall(x, formats.e4m3, true)
export const toE5m2 = (x: number) => encodeSmall(x, formats.e5m2, true)
export const toF16 = (x: number) => encodeSmall(x, formats.f16, false)
export const fromF16 = (h: number) => decodeSmall(h, formats.f16)

/** Stored bytes -> numbers. Returns a copy for the decoded types and a view for f32 and integers. */
export function decode(bytes: Uint8Array, dtype: DType, length: number): Numbers {
  const at = bytes.byteOffset
  switch (dtype) {
    case 'f32': return new Float32Array(bytes.buffer, at, length)
    case 'i32': return new Int32Array(bytes.buffer, at, length)
    case 'u32': return new Uint32Array(bytes.buffer, at, length)
    case 'u8': return new Uint8Array(bytes.buffer, at, length)
    case 'bf16': {
      const words = new Uint32Array(length)
      const stored = new Uint16Array(bytes.buffer, at, length)
      for (let i = 0; i < length; i++) words[i] = stored[i] << 16
      return new Float32Array(words.buffer)
    }
    case 'f16': return mapNumbers(new Float32Array(length), new Uint16Array(bytes.buffer, at, length), fromF16)
    case 'e4m3': return look(e4m3Values, bytes, length)
    case 'e5m2': return look(e5m2Values, bytes, length)
  }
}

/** Numbers -> stored bytes, each rounded once. */
export function encode(x: ArrayLike<number>, dtype: DType): Uint8Array {
  const from = <T extends { buffer: ArrayBufferLike; byteOffset: number; byteLength: number }>(a: T) =>
    new Uint8Array(a.buffer, a.byteOffset, a.byteLength)
  switch (dtype) {
    case 'f32': return from(new Float32Array(x))
    case 'i32': return from(new Int32Array(x))
    case 'u32': return from(new Uint32Array(x))
    case 'u8': return new Uint8Array(x)
    case 'bf16': return from(mapNumbers(new Uint16Array(x.length), x, toBf16))
    case 'f16': return from(mapNumbers(new Uint16Array(x.length), x, toF16))
    case 'e4m3': return mapNumbers(new Uint8Array(x.length), x, toE4m3)
    case 'e5m2': return mapNumbers(new Uint8Array(x.length), x, toE5m2)
  }
}

// Plain loops: `from(x, fn)` of typed arrays goes through an iterator and is ten times slower.
function mapNumbers<T extends Uint8Array | Uint16Array | Float32Array>(out: T, x: ArrayLike<number>, fn: (x: number) => number): T {
  for (let i = 0; i < out.length; i++) out[i] = fn(x[i])
  return out
}

function look(table: Float32Array, codes: Uint8Array, length: number): Float32Array {
  const out = new Float32Array(length)
  for (let i = 0; i < length; i++) out[i] = table[codes[i]]
  return out
}
