// Rounding of exact results: f32 from sums and products, integers from floats. (PTX ISA 9.7.3; ptx-isa-notes 2.10)

const view = new DataView(new ArrayBuffer(8))
export const canonicalNaN = 0x7fffffff
/** All NaN that arithmetic makes has one pattern; a typed array would keep whatever JS has. */
export function f32Bits(x: number): number {
  if (x !== x) return canonicalNaN
  view.setFloat32(0, x)
  return view.getInt32(0)
}
export function f32Of(bits: number): number { view.setInt32(0, bits); return view.getFloat32(0) }

/** The next double above (up) or below x. */
function neighbour(x: number, up: boolean): number {
  if (x === 0) return up ? Number.MIN_VALUE : -Number.MIN_VALUE
  view.setFloat64(0, x)
  const bits = view.getBigInt64(0)
  view.setBigInt64(0, up === x > 0 ? bits + 1n : bits - 1n)
  return view.getFloat64(0)
}

/** a * b + c rounded once to f32, nearest even. The product of two f32 is exact in f64; the sum's error is found exactly. */
export function fmaf(a: number, b: number, c: number): number {
  const p = a * b
  const sum = p + c
  const rounded = Math.fround(sum)
  if (!Number.isFinite(sum) || rounded === sum) return rounded
  // Two-sum: what the f64 addition lost.
  const t = sum - p
  const lost = (p - (sum - t)) + (c - t)
  if (lost === 0) return rounded
  // Rounding to odd: an inexact sum must not look like a midpoint of f32.
  view.setFloat64(0, sum)
  if (view.getUint32(4) & 1) return rounded
  return Math.fround(neighbour(sum, lost > 0))
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
