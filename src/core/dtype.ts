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

/** Layout of a small float. `max` is the largest finite value, to which encoding saturates. */
interface SmallFloat { exponentBits: number; mantissaBits: number; max: number; nan: number; infinities: boolean }

const formats = {
  f16: { exponentBits: 5, mantissaBits: 10, max: 65504, nan: 0x7e00, infinities: true },
  e4m3: { exponentBits: 4, mantissaBits: 3, max: 448, nan: 0x7f, infinities: false },
  e5m2: { exponentBits: 5, mantissaBits: 2, max: 57344, nan: 0x7f, infinities: true },
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

/** Rounds to nearest even. fp8 saturates (infinities too), f16 overflows to infinity as IEEE 754 does. */
function encodeSmall(x: number, f: SmallFloat, saturate: boolean): number {
  const width = f.exponentBits + f.mantissaBits
  if (x !== x) return f.nan
  const sign = x < 0 || Object.is(x, -0) ? 1 << width : 0
  const a = Math.abs(x)
  const bias = (1 << (f.exponentBits - 1)) - 1
  f32[0] = a // only for the exponent; a is a float32 or a float64 below
  const exponent = a === 0 ? 1 - bias : Math.max(1 - bias, Math.floor(Math.log2(a)))
  // Math.log2 may land one off next to a power of two: take the exponent that leaves 1 <= a / 2^e < 2.
  const e = a >= 2 ** (exponent + 1) ? exponent + 1 : a < 2 ** exponent && exponent > 1 - bias ? exponent - 1 : exponent
  const ulp = 2 ** (e - f.mantissaBits)
  const q = a / ulp
  const low = Math.floor(q)
  const rest = q - low
  const rounded = (rest > 0.5 || (rest === 0.5 && low % 2 === 1) ? low + 1 : low) * ulp
  if (rounded > f.max) {
    if (saturate) return sign | encodeSmall(f.max, f, true)
    return sign | (((1 << f.exponentBits) - 1) << f.mantissaBits)
  }
  if (rounded === 0) return sign
  const re = rounded >= 2 ** (e + 1) ? e + 1 : e
  if (rounded < 2 ** (1 - bias)) return sign | Math.round(rounded / 2 ** (1 - bias - f.mantissaBits))
  return sign | ((re + bias) << f.mantissaBits) | (Math.round(rounded / 2 ** (re - f.mantissaBits)) - (1 << f.mantissaBits))
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
    case 'bf16': return Float32Array.from(new Uint16Array(bytes.buffer, at, length), fromBf16)
    case 'f16': return Float32Array.from(new Uint16Array(bytes.buffer, at, length), fromF16)
    case 'e4m3': return Float32Array.from(new Uint8Array(bytes.buffer, at, length), (c) => e4m3Values[c])
    case 'e5m2': return Float32Array.from(new Uint8Array(bytes.buffer, at, length), (c) => e5m2Values[c])
  }
}

/** Numbers -> stored bytes, each rounded once. */
export function encode(x: ArrayLike<number>, dtype: DType): Uint8Array {
  const from = <T extends { buffer: ArrayBufferLike; byteOffset: number; byteLength: number }>(a: T) =>
    new Uint8Array(a.buffer, a.byteOffset, a.byteLength)
  switch (dtype) {
    case 'f32': return from(Float32Array.from(x))
    case 'i32': return from(Int32Array.from(x))
    case 'u32': return from(Uint32Array.from(x))
    case 'u8': return Uint8Array.from(x)
    case 'bf16': return from(Uint16Array.from(x, toBf16))
    case 'f16': return from(Uint16Array.from(x, toF16))
    case 'e4m3': return Uint8Array.from(x, toE4m3)
    case 'e5m2': return Uint8Array.from(x, toE5m2)
  }
}
