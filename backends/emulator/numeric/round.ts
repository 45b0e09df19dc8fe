// Rounding of exact results: f32 from sums and products, integers from floats. (PTX ISA 9.7.3; ptx-isa-notes 2.10)

import { sumToOdd } from './small_float.ts'

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

/** Nearest integer, ties to even. */
export function roundEven(x: number): number {
  const floor = Math.floor(x)
  const rest = x - floor
  if (rest < 0.5) return floor
  if (rest > 0.5) return floor + 1
  return floor % 2 === 0 ? floor : floor + 1
}

export const integerRounding: Readonly<Record<string, (x: number) => number>> = { rni: roundEven, rzi: Math.trunc, rmi: Math.floor, rpi: Math.ceil }
