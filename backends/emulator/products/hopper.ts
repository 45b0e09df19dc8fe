// Products rounded as Hopper's tensor cores do, by the model of MMA-Sim (arXiv 2511.10909; ptx-isa-notes 2.3): the products of one
// row and column and the accumulator are aligned to the largest exponent among them, each cut off after so many fraction bits,
// added exactly, and the sum is rounded towards zero (to nearest for f16). Accumulation in f32 as in plain.ts is better than that.
import type { Memory } from '../machine.ts'
import { f32Bits, f32Of } from '../numeric/round.ts'
import { decodeFloat, encodeFloat, formats } from '../numeric/small_float.ts'
import type { ElementName } from './elements.ts'
import { multiplier } from './plain.ts'
import { adds, type ProductKind, type Products } from './products.ts'

/** Smallest exponent of each type: subnormal numbers are aligned as if they had it. */
const leastExponent: Readonly<Partial<Record<ElementName, number>>> = { f16: -14, bf16: -126, tf32: -126, e4m3: -6, e5m2: -14 }

const view = new DataView(new ArrayBuffer(8))
function exponentOf(x: number, least: number): number {
  view.setFloat64(0, x)
  return Math.max(((view.getUint16(0) >> 4) & 2047) - 1023, least)
}

/** Towards zero to `fraction` bits, on the grid of f32. */
function towardZero(x: number, fraction: number): number {
  if (!Number.isFinite(x) || x === 0) return x
  const unit = 2 ** (exponentOf(x, -126) - fraction)
  return Math.trunc(x / unit) * unit
}

export function hopperProducts(memory: Memory, exact: Products, { wgmma, a, b }: ProductKind): Products {
  const [leastA, leastB] = [leastExponent[a], leastExponent[b]]
  // Integers are exact.
  if (leastA === undefined || leastB === undefined) return exact
  // 8-bit floats lose more bits in wgmma than in mma.
  const narrow = wgmma && (a === 'e4m3' || a === 'e5m2')
  const fraction = narrow ? 13 : 25
  const terms = new Float64Array(257)
  /** The sum of old accumulator and products, cut off but not rounded. */
  const sum = (c: number, least: number, f32: Float32Array, at: number, bt: number, N: number, K: number): number => {
    let top = c === 0 ? -126 : exponentOf(c, least)
    let special = Number.isFinite(c) ? 0 : c
    terms[K] = c
    for (let k = 0; k < K; k++) {
      const [x, y] = [f32[at + k], f32[bt + k * N]]
      terms[k] = x * y
      if (terms[k] === 0) continue
      if (!Number.isFinite(terms[k])) special += terms[k]
      else top = Math.max(top, exponentOf(x, leastA) + exponentOf(y, leastB))
    }
    if (special !== 0) return special
    const unit = 2 ** (top - fraction)
    let total = 0
    for (let i = 0; i <= K; i++) total += Math.trunc(terms[i] / unit)
    return total * unit
  }
  return {
    ...exact,
    multiply: {
      ...exact.multiply,
      f32: multiplier(memory, false, (old, f32, at, bt, N, K, flags) => f32Bits(towardZero(sum(flags & adds ? f32Of(old) : 0, -126, f32, at, bt, N, K), narrow ? 13 : 23))),
      f16: multiplier(memory, true, (old, f32, at, bt, N, K, flags) => encodeFloat(sum(flags & adds ? decodeFloat(old, formats.f16) : 0, -14, f32, at, bt, N, K), formats.f16)),
    },
  }
}
