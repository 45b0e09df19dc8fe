// a * b + c of doubles, rounded once in any mode, by exact integers. Slow and right.
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

export function fma64(a: number, b: number, c: number, mode: Rounding = 'rn'): number {
  if (!Number.isFinite(a) || !Number.isFinite(b) || !Number.isFinite(c)) return a * b + c
  const [ma, ea] = parts(a), [mb, eb] = parts(b), [mc, ec] = parts(c)
  const product = ma * mb
  const low = Math.min(ea + eb, ec)
  const total = (product << BigInt(ea + eb - low)) + (mc << BigInt(ec - low))
  // Zeros keep the sign rules of the plain sum; an exact cancellation is -0 when rounding down.
  if (total === 0n) return product === 0n && mc === 0n ? (mode === 'rm' && !Object.is(a * b, c) ? -0 : a * b + c) : mode === 'rm' ? -0 : 0
  return round(total, low, mode)
}

function round(total: bigint, exponent: number, mode: Rounding): number {
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
