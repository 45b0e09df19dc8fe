// Rounding of exact results: f32 from sums and products, integers from floats. (PTX ISA 9.7.3; ptx-isa-notes 2.10)

import { sumToOdd, type Rounding } from './small_float.ts'

const view = new DataView(new ArrayBuffer(8))
export const canonicalNaN = 0x7fffffff
/** All NaN that arithmetic makes has one pattern; a typed array would keep whatever JS has. */
export function f32Bits(x: number): number {
  if (x !== x) return canonicalNaN
  view.setFloat32(0, x)
  return view.getInt32(0)
}
export function f32Of(bits: number): number { view.setInt32(0, bits); return view.getFloat32(0) }

/** a * b + c rounded once to f32, nearest even: the product of two f32 is exact in f64. */
export function fmaf(a: number, b: number, c: number): number {
  const sum = a * b + c
  const rounded = Math.fround(sum)
  // Exactly an f32: whatever the double lost is less than half an ulp.
  return rounded === sum ? rounded : Math.fround(sumToOdd(a * b, c))
}

const word = new Int32Array(1)
const float = new Float32Array(word.buffer)
/** The f32 next to x, away from zero (`by` 1) or toward it (-1). */
function neighbour(x: number, by: 1 | -1, negative: boolean): number {
  float[0] = x
  if (x === 0) word[0] = negative ? 0x80000001 | 0 : 1
  else word[0] += by
  return float[0]
}

/** x, exact or rounded to odd, as f32 in any mode. */
export function roundF32(x: number, mode: Rounding): number {
  const r = Math.fround(x)
  if (mode === 'rn' || r === x || x !== x) return r
  const above = r > x
  if (mode === 'rp' ? above : mode === 'rm' ? !above : above === x < 0) return r
  return neighbour(r, above === r > 0 && r !== 0 ? -1 : 1, x < 0)
}

/** a + b or a * b + c that came out as 0: -0 when rounding down, unless both terms are +0. */
export const zeroOfSum = (p: number, c: number): number => (Object.is(p, 0) && Object.is(c, 0) ? 0 : -0)

/** Nearest integer, ties to even. */
export function roundEven(x: number): number {
  if (x < 0) return -roundEven(-x)
  const floor = Math.floor(x)
  const rest = x - floor
  if (rest < 0.5) return floor
  if (rest > 0.5) return floor + 1
  return floor % 2 === 0 ? floor : floor + 1
}

export const integerRounding: Readonly<Record<string, (x: number) => number>> = { rni: roundEven, rzi: Math.trunc, rmi: Math.floor, rpi: Math.ceil }
