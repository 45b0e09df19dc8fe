// Doubles in every rounding mode: what the host rounds to nearest, moved by one step where the exact value (big integers) says so.
import type { Rounding } from './small_float.ts'

const view = new DataView(new ArrayBuffer(8))

/** x = mantissa * 2 ** exponent. */
function parts(x: number): [mantissa: bigint, exponent: number] {
  view.setFloat64(0, x)
  const bits = view.getBigUint64(0)
  const field = Number((bits >> 52n) & 2047n)
  const mantissa = (bits & ((1n << 52n) - 1n)) | (field ? 1n << 52n : 0n)
  return [bits >> 63n ? -mantissa : mantissa, Math.max(field, 1) - 1075]
}

/** Sign of the exact sum of the products x * y; all finite. */
export function signOfSum(products: readonly (readonly [number, number])[]): number {
  const terms = products.map(([x, y]) => { const [mx, ex] = parts(x), [my, ey] = parts(y); return [mx * my, ex + ey] as const }).filter(([m]) => m !== 0n)
  const low = Math.min(...terms.map(([, e]) => e))
  let total = 0n
  for (const [m, e] of terms) total += m << BigInt(e - low)
  return total > 0n ? 1 : total < 0n ? -1 : 0
}

/** The neighbour above. */
export function nextUp(x: number): number {
  if (x !== x || x === Infinity) return x
  if (x === 0) return Number.MIN_VALUE
  view.setFloat64(0, x)
  view.setBigInt64(0, view.getBigInt64(0) + (x > 0 ? 1n : -1n))
  return view.getFloat64(0)
}
const nextDown = (x: number) => -nextUp(-x)

/** `nearest` is the exact value rounded to nearest, `sign` says on which side of it the exact value lies. */
export function redirect(nearest: number, sign: number, mode: Rounding): number {
  if (sign === 0 || nearest !== nearest) return nearest
  const toward = mode === 'rp' ? 1 : mode === 'rm' ? -1 : mode === 'rz' ? (nearest > 0 || (nearest === 0 && sign > 0) ? -1 : 1) : 0
  if (toward !== sign) return nearest
  // From zero a step away from it keeps the sign that zero cannot show.
  return sign > 0 ? nextUp(nearest) : nextDown(nearest)
}

const finite = Number.isFinite
/** On which side of r the sum of the products lies; r infinite is an overflow. */
const side = (r: number, products: readonly (readonly [number, number])[]): number => (finite(r) ? signOfSum([...products, [-1, r]]) : r > 0 ? -1 : 1)

/** The zero of a sum that cancels: -0 when rounding down, unless both are +0. */
const zeroOfSum = (p: number, c: number, sum: number, mode: Rounding): number => (mode === 'rm' && sum === 0 && !(Object.is(p, 0) && Object.is(c, 0)) ? -0 : sum)

export function add64(a: number, b: number, mode: Rounding): number {
  const r = a + b
  if (mode === 'rn' || !finite(a) || !finite(b)) return r
  return r === 0 ? zeroOfSum(a, b, r, mode) : redirect(r, side(r, [[a, 1], [b, 1]]), mode)
}
export function mul64(a: number, b: number, mode: Rounding): number {
  const r = a * b
  if (mode === 'rn' || !finite(a) || !finite(b) || a === 0 || b === 0) return r
  return signed(redirect(r, side(r, [[a, b]]), mode), a < 0 !== b < 0)
}
export function div64(a: number, b: number, mode: Rounding): number {
  const r = a / b
  if (mode === 'rn' || !finite(a) || !finite(b) || a === 0 || b === 0) return r
  const sign = finite(r) ? signOfSum([[a, 1], [-r, b]]) * Math.sign(b) : r > 0 ? -1 : 1
  return signed(redirect(r, sign, mode), a < 0 !== b < 0)
}
export function sqrt64(a: number, mode: Rounding): number {
  const r = Math.sqrt(a)
  return mode === 'rn' || !finite(r) || r === 0 ? r : redirect(r, signOfSum([[a, 1], [-r, r]]), mode)
}
/** A result that rounded to zero keeps its sign. */
const signed = (r: number, negative: boolean): number => (r === 0 ? (negative ? -0 : 0) : r)

/** Both parts of x, of 26 bits each (Veltkamp). */
const upperPart = (x: number): number => { const c = 134217729 * x; return c - (c - x) }
const ordinary = (x: number, low: number, high: number) => { const m = Math.abs(x); return m > low && m < high }

/** a * b + c rounded once. */
export function fma64(a: number, b: number, c: number, mode: Rounding = 'rn'): number {
  if (!finite(a) || !finite(b)) return a * b + c
  // The product may overflow only in the end: an infinite c wins over it.
  if (!finite(c)) return c
  const p = a * b
  // To nearest, far from overflow and underflow: the sum of three parts, the lower two rounded to odd (Boldo and Melquiond).
  if (mode === 'rn' && ordinary(p, 1e-200, 1e250) && ordinary(a, 1e-140, 1e140) && ordinary(b, 1e-140, 1e140) && (c === 0 || ordinary(c, 1e-250, 1e250))) {
    const ah = upperPart(a), bh = upperPart(b)
    const al = a - ah, bl = b - bh
    const rest = ((ah * bh - p) + ah * bl + al * bh) + al * bl
    const t = c + rest
    const tz = t - c
    const tLow = (c - (t - tz)) + (rest - tz)
    const v = p + t
    const vz = v - p
    const vLow = (p - (v - vz)) + (t - vz)
    return v + oddSum(tLow, vLow)
  }
  return exactFma(a, b, c, p, mode)
}

/** x + y rounded to odd. */
function oddSum(x: number, y: number): number {
  const sum = x + y
  const t = sum - x
  const lost = (x - (sum - t)) + (y - t)
  if (lost === 0 || sum === 0) return sum
  view.setFloat64(0, sum)
  const bits = view.getBigInt64(0)
  if (bits & 1n) return sum
  view.setBigInt64(0, lost > 0 === sum > 0 ? bits + 1n : bits - 1n)
  return view.getFloat64(0)
}

function exactFma(a: number, b: number, c: number, p: number, mode: Rounding): number {
  const [ma, ea] = parts(a), [mb, eb] = parts(b), [mc, ec] = parts(c)
  const product = ma * mb
  if (product === 0n) return c === 0 ? zeroOfSum(p, c, p + c, mode) : c
  const low = Math.min(ea + eb, ec)
  const total = (product << BigInt(ea + eb - low)) + (mc << BigInt(ec - low))
  if (total === 0n) return mode === 'rm' ? -0 : 0
  return round(total, low, mode)
}

/** total * 2 ** exponent as a double. */
export function round(total: bigint, exponent: number, mode: Rounding): number {
  const negative = total < 0n
  const magnitude = negative ? -total : total
  const length = magnitude.toString(2).length
  const drop = Math.max(length - 53, -1074 - exponent)
  let kept = drop > 0 ? magnitude >> BigInt(drop) : magnitude << BigInt(-drop)
  if (drop > 0) {
    const rest = magnitude - (kept << BigInt(drop))
    const half = 1n << BigInt(drop - 1)
    const up = mode === 'rn' ? rest > half || (rest === half && (kept & 1n) === 1n) : rest > 0n && (mode === 'rp' ? !negative : mode === 'rm' ? negative : false)
    if (up) kept++
  }
  const scale = exponent + drop
  // kept has at most 54 bits with its last ones zero, or lies on the subnormal grid: both products below are exact.
  let value = scale < -1000 ? Number(kept) * 2 ** -1000 * 2 ** (scale + 1000) : scale > 900 ? Number(kept) * 2 ** 900 * 2 ** (scale - 900) : Number(kept) * 2 ** scale
  if (value === Infinity && (mode === 'rz' || (mode === 'rp' && negative) || (mode === 'rm' && !negative))) value = Number.MAX_VALUE
  return negative ? -value : value
}
