// Floating-point formats of 8 to 32 bits: value <-> bits, in every rounding mode. A value is a double that is exact or rounded to
// odd, so that one more rounding is the only one. (PTX ISA 5.2.3; ptx-isa-notes 2.8)

export interface Format { readonly bits: number; readonly mantissa: number; readonly bias: number; readonly hasInfinity: boolean; readonly nan: number; readonly max: number }
export type Rounding = 'rn' | 'rz' | 'rm' | 'rp' | 'rna'

export const formats = {
  f16: { bits: 16, mantissa: 10, bias: 15, hasInfinity: true, nan: 0x7fff, max: 65504 },
  bf16: { bits: 16, mantissa: 7, bias: 127, hasInfinity: true, nan: 0x7fff, max: 3.3895313892515355e38 },
  f32: { bits: 32, mantissa: 23, bias: 127, hasInfinity: true, nan: 0x7fffffff, max: 3.4028234663852886e38 },
  tf32: { bits: 19, mantissa: 10, bias: 127, hasInfinity: true, nan: 0x3ffff, max: (2 - 2 ** -10) * 2 ** 127 },
  e4m3: { bits: 8, mantissa: 3, bias: 7, hasInfinity: false, nan: 0x7f, max: 448 },
  e5m2: { bits: 8, mantissa: 2, bias: 15, hasInfinity: true, nan: 0x7f, max: 57344 },
} as const satisfies Record<string, Format>

/** All values of f16, made when the first is asked for. */
let halves: Float32Array | undefined
const word = new Int32Array(1)
const single = new Float32Array(word.buffer)
const words = new Uint32Array(2)
const double = new Float64Array(words.buffer)

export function decodeFloat(bits: number, f: Format): number {
  if (f === formats.bf16) { word[0] = bits << 16; return single[0] }
  if (f === formats.f16) return (halves ??= Float32Array.from({ length: 65536 }, (_, i) => decodeSlowly(i, f)))[bits & 0xffff]
  return decodeSlowly(bits, f)
}

function decodeSlowly(bits: number, f: Format): number {
  const width = f.bits - 1 - f.mantissa
  const top = 2 ** width - 1
  const exponent = Math.floor((bits >>> 0) / 2 ** f.mantissa) & top
  const fraction = (bits >>> 0) % 2 ** f.mantissa
  const sign = Math.floor((bits >>> 0) / 2 ** (f.bits - 1)) & 1 ? -1 : 1
  if (f.hasInfinity && exponent === top) return fraction ? NaN : sign * Infinity
  if (!f.hasInfinity && exponent === top && fraction === 2 ** f.mantissa - 1) return NaN
  return sign * (exponent === 0 ? fraction * 2 ** (1 - f.bias - f.mantissa) : (1 + fraction / 2 ** f.mantissa) * 2 ** (exponent - f.bias))
}

const view = new DataView(new ArrayBuffer(8))
function exponentOf(a: number): number {
  view.setFloat64(0, a)
  const e = (view.getUint16(0) >> 4) & 2047
  return e === 0 ? Math.floor(Math.log2(a)) : e - 1023
}

/** `saturate`: overflow and infinity give the largest finite value (satfinite). */
export function encodeFloat(x: number, f: Format, mode: Rounding = 'rn', saturate = false): number {
  if (x !== x) return f.nan
  if (mode === 'rn' && !saturate && f.bits === 16) {
    // From the upper word of the double: a mantissa of 20 bits, with what the lower word has as rest.
    double[0] = x
    const high = words[1]
    const e = ((high >>> 20) & 2047) - 1023 + f.bias
    if (e > 0 && e <= 2 * f.bias) {
      const drop = 20 - f.mantissa
      const kept = (e << f.mantissa) | ((high & 0xfffff) >> drop)
      const rest = high & ((1 << drop) - 1)
      const half = 1 << (drop - 1)
      return ((high >>> 16) & 0x8000) | (kept + (rest > half || (rest === half && (words[0] !== 0 || (kept & 1) === 1)) ? 1 : 0))
    }
  }
  const negative = x < 0 || Object.is(x, -0)
  const sign = negative ? 2 ** (f.bits - 1) : 0
  const a = Math.abs(x)
  if (a === 0) return sign
  const least = 1 - f.bias
  const step = 2 ** (Math.max(exponentOf(Math.min(a, Number.MAX_VALUE)), least) - f.mantissa)
  const quotient = a / step
  let n = Math.floor(quotient)
  const rest = quotient - n
  const up = mode === 'rn' ? rest > 0.5 || (rest === 0.5 && n % 2 === 1) : mode === 'rna' ? rest >= 0.5 : mode === 'rp' ? rest > 0 && !negative : mode === 'rm' ? rest > 0 && negative : false
  if (up) n++
  const value = n * step
  if (!(value <= f.max)) {
    const towardMax = mode === 'rz' || (mode === 'rp' && negative) || (mode === 'rm' && !negative)
    if (saturate || (towardMax && a !== Infinity)) return sign + encodeFloat(f.max, f)
    return f.hasInfinity ? sign + (2 ** (f.bits - 1 - f.mantissa) - 1) * 2 ** f.mantissa : sign + f.nan
  }
  if (value < 2 ** least) return sign + Math.round(value / 2 ** (least - f.mantissa))
  const e = exponentOf(value)
  return sign + (e + f.bias) * 2 ** f.mantissa + Math.round((value / 2 ** e - 1) * 2 ** f.mantissa)
}

/** p + c, rounded to odd: an inexact sum never looks like a midpoint of a shorter format. */
export function sumToOdd(p: number, c: number): number {
  const sum = p + c
  const t = sum - p
  return sticky(sum, (p - (sum - t)) + (c - t))
}

/** `x`, or the zero of its sign if it is less than the least normal number: 2 ** -126 in f32. */
export const flushSubnormal = (x: number, least = 2 ** -126): number => (Math.abs(x) < least ? (x < 0 || Object.is(x, -0) ? -0 : 0) : x)
/** .sat: into [0, 1], NaN and -0 to 0. */
export const saturate = (x: number): number => (x !== x ? 0 : Math.min(1, Math.max(0, x)) + 0)
/** .relu: what is negative becomes 0, -0 too; NaN stays. */
export const relu = (x: number): number => (x < 0 || Object.is(x, -0) ? 0 : x)

/** x rounded to odd, for any operation: `residual` has the sign of (exact - x). */
export function sticky(x: number, residual: number): number {
  if (residual === 0 || residual !== residual || !Number.isFinite(x) || x === 0) return x
  view.setFloat64(0, x)
  const bits = view.getBigInt64(0)
  if (bits & 1n) return x
  view.setBigInt64(0, residual > 0 === x > 0 ? bits + 1n : bits - 1n)
  return view.getFloat64(0)
}
