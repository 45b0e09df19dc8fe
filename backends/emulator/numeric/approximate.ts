// The approximate functions of PTX (9.7.3): doubles rounded to f32 lie well inside the ISA's bounds; what is left are the special
// values of its tables.
import { exp2 } from './exp2.ts'

export type Approximation = ((a: number) => number) | ((a: number, b: number) => number)

const view = new DataView(new ArrayBuffer(8))
/** Only the upper word of a double counts: sign, exponent and 20 bits; subnormals are zero. */
function upperWord(x: number, up: boolean): number {
  if (x !== x || !Number.isFinite(x)) return x
  if (Math.abs(x) < 2 ** -1022) return x < 0 || Object.is(x, -0) ? -0 : 0
  view.setFloat64(0, x)
  if (up) view.setBigUint64(0, view.getBigUint64(0) + 0x80000000n)
  view.setUint32(4, 0)
  return view.getFloat64(0)
}
/** f on the upper words; the result's lower word is 0. */
const gross = (f: (x: number) => number) => (x: number): number => upperWord(f(upperWord(x, false)), true)

export const approximations = {
  /** A divisor above 2^126 gives a zero of the quotient's sign, or NaN for an infinite dividend. */
  divApprox(a: number, b: number): number {
    const m = Math.abs(b)
    if (m > 2 ** 126 && m < Infinity) return a * (b < 0 ? -0 : 0)
    return a / b
  },
  divFull: (a: number, b: number): number => a / b,
  rcp: (a: number): number => 1 / a,
  sqrt: Math.sqrt as (a: number) => number,
  rsqrt: (a: number): number => 1 / Math.sqrt(a),
  sin: Math.sin as (a: number) => number,
  cos: Math.cos as (a: number) => number,
  lg2: Math.log2 as (a: number) => number,
  ex2: exp2,
  tanh: Math.tanh as (a: number) => number,
  rcpDouble: gross((x) => 1 / x),
  rsqrtDouble: gross((x) => 1 / Math.sqrt(x)),
  rsqrtFull: (x: number): number => 1 / Math.sqrt(x),
}
