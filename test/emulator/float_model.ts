// An independent model of IEEE arithmetic: exact rationals of big integers, rounded once into any format and mode.
export interface Layout { readonly exponent: number; readonly mantissa: number; readonly nan: bigint }
export const layouts = {
  f16: { exponent: 5, mantissa: 10, nan: 0x7fffn }, bf16: { exponent: 8, mantissa: 7, nan: 0x7fffn },
  f32: { exponent: 8, mantissa: 23, nan: 0x7fffffffn }, f64: { exponent: 11, mantissa: 52, nan: 0xfff8000000000000n },
} as const satisfies Record<string, Layout>
export type FloatName = keyof typeof layouts
export type Mode = 'rn' | 'rz' | 'rm' | 'rp'

/** A number is n / d, with the sign apart for zeros. */
export type Value = { kind: 'nan' } | { kind: 'inf'; negative: boolean } | { kind: 'number'; negative: boolean; n: bigint; d: bigint }
const nan: Value = { kind: 'nan' }
const inf = (negative: boolean): Value => ({ kind: 'inf', negative })
export const number = (n: bigint, d = 1n, negative = n < 0n): Value => ({ kind: 'number', negative, n: n < 0n ? -n : n, d })

const shift = (x: bigint, by: number): [bigint, bigint] => (by >= 0 ? [x << BigInt(by), 1n] : [x, 1n << BigInt(-by)])
const leastExponent = (l: Layout) => 2 - 2 ** (l.exponent - 1)

export function decode(bits: bigint, l: Layout): Value {
  const negative = (bits >> BigInt(l.exponent + l.mantissa)) & 1n ? true : false
  const field = Number((bits >> BigInt(l.mantissa)) & ((1n << BigInt(l.exponent)) - 1n))
  const fraction = bits & ((1n << BigInt(l.mantissa)) - 1n)
  if (field === 2 ** l.exponent - 1) return fraction ? nan : inf(negative)
  const [n, d] = shift(field ? fraction | (1n << BigInt(l.mantissa)) : fraction, leastExponent(l) - l.mantissa + Math.max(field, 1) - 1)
  return number(n, d, negative)
}

const bitLength = (x: bigint) => x.toString(2).length

export function encode(v: Value, l: Layout, mode: Mode = 'rn', satfinite = false): bigint {
  if (v.kind === 'nan') return l.nan
  const sign = v.negative ? 1n << BigInt(l.exponent + l.mantissa) : 0n
  const infinity = ((1n << BigInt(l.exponent)) - 1n) << BigInt(l.mantissa)
  if (v.kind === 'inf') return sign | (satfinite ? infinity - 1n : infinity)
  if (v.n === 0n) return sign
  let e = bitLength(v.n) - bitLength(v.d)
  const below = ([a, b]: [bigint, bigint]) => v.n * b < a * v.d
  while (below(shift(1n, e))) e--
  while (!below(shift(1n, e + 1))) e++
  const exponent = Math.max(e, leastExponent(l))
  const [qn, qd] = shift(1n, exponent - l.mantissa)
  const [top, bottom] = [v.n * qd, v.d * qn]
  let n = top / bottom
  const rest = top % bottom
  const up = mode === 'rn' ? 2n * rest > bottom || (2n * rest === bottom && n % 2n === 1n) : rest > 0n && (mode === 'rp' ? !v.negative : mode === 'rm' ? v.negative : false)
  if (up) n++
  const bits = (BigInt(exponent - leastExponent(l)) << BigInt(l.mantissa)) + n
  if (bits < infinity) return sign | bits
  const finite = satfinite || mode === 'rz' || (mode === 'rm' && !v.negative) || (mode === 'rp' && v.negative)
  return sign | (finite ? infinity - 1n : infinity)
}

const signed = (v: Value & { kind: 'number' }) => (v.negative ? -v.n : v.n)

export function add(a: Value, b: Value, mode: Mode): Value {
  if (a.kind === 'nan' || b.kind === 'nan') return nan
  if (a.kind === 'inf') return b.kind === 'inf' && a.negative !== b.negative ? nan : a
  if (b.kind === 'inf') return b
  const n = signed(a) * b.d + signed(b) * a.d
  // A sum that cancels is -0 when rounding down; two zeros of one sign keep it.
  if (n === 0n) return number(0n, 1n, a.n === 0n && b.n === 0n && a.negative === b.negative ? a.negative : mode === 'rm')
  return number(n, a.d * b.d)
}
export const negate = (v: Value): Value => (v.kind === 'nan' ? v : { ...v, negative: !v.negative })

export function multiply(a: Value, b: Value): Value {
  if (a.kind === 'nan' || b.kind === 'nan') return nan
  const negative = a.negative !== b.negative
  const zero = (v: Value) => v.kind === 'number' && v.n === 0n
  if (a.kind === 'inf' || b.kind === 'inf') return zero(a) || zero(b) ? nan : inf(negative)
  return number(a.n * b.n, a.d * b.d, negative)
}

export function divide(a: Value, b: Value): Value {
  if (a.kind === 'nan' || b.kind === 'nan') return nan
  const negative = a.negative !== b.negative
  if (a.kind === 'inf') return b.kind === 'inf' ? nan : inf(negative)
  if (b.kind === 'inf') return number(0n, 1n, negative)
  if (b.n === 0n) return a.n === 0n ? nan : inf(negative)
  return number(a.n * b.d, a.d * b.n, negative)
}

/** To far more bits than any format has, with one more that says whether there is a rest. */
export function squareRoot(a: Value): Value {
  if (a.kind === 'nan' || (a.kind === 'number' && a.n === 0n)) return a
  if (a.negative) return nan
  if (a.kind === 'inf') return a
  const scale = 1200n
  const x = (a.n << (2n * scale)) / a.d
  // Newton from above.
  let r = 1n << BigInt((bitLength(x) >> 1) + 1)
  for (let next = (r + x / r) >> 1n; next < r; next = (r + x / r) >> 1n) r = next
  const exact = r * r === x && (a.n << (2n * scale)) % a.d === 0n
  return number(2n * r + (exact ? 0n : 1n), 2n << scale)
}

/** Subnormal patterns become zeros. */
export const flush = (bits: bigint, l: Layout): bigint => (((bits >> BigInt(l.mantissa)) & ((1n << BigInt(l.exponent)) - 1n)) === 0n ? bits & (1n << BigInt(l.exponent + l.mantissa)) : bits)

/** Patterns where things go wrong: zeros, subnormals, ones with neighbours, the largest, infinities, NaNs. */
export function edges(l: Layout): bigint[] {
  const one = BigInt(2 ** (l.exponent - 1) - 1) << BigInt(l.mantissa)
  const half = 1n << BigInt(l.mantissa - 1)
  const infinity = ((1n << BigInt(l.exponent)) - 1n) << BigInt(l.mantissa)
  const least = 1n << BigInt(l.mantissa)
  const positive = [0n, 1n, 2n, half, least - 1n, least, least + 1n, 2n * least, one - 1n, one, one + 1n, one + half, one + least, one + least + 1n, one + 3n * half, 2n * one - least, infinity - 1n, infinity - least, infinity, infinity + half]
  return positive.flatMap((x) => [x, x | (1n << BigInt(l.exponent + l.mantissa))])
}
