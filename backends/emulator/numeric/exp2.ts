// 2 ** x for f32 results in a fixed order of double operations, so that compiled code can do the very same: a power of two times
// a polynomial of what is left, which lies in [-1/2, 1/2]. Its error is below 1e-11 of the result.
// Compiled form: ex2 in codegen/support.ts.

/** Taylor's coefficients of 2 ** r, the highest power first: the next term is below 8e-12. */
export const exp2Coefficients: readonly number[] = Array.from({ length: 10 }, (_, i) => {
  let c = 1
  for (let k = 1; k <= 9 - i; k++) c = c * Math.LN2 / k
  return c
})
/** Adding and subtracting it rounds to an integer, ties to even. */
export const roundingMagic = 1.5 * 2 ** 52
/** Beyond it the result is 0 or infinite in f32 anyhow. */
export const mostExponent = 300

const powers = Float64Array.from({ length: 2 * mostExponent + 1 }, (_, i) => 2 ** (i - mostExponent))

export function exp2(x: number): number {
  if (x !== x) return x
  const clamped = Math.min(Math.max(x, -mostExponent), mostExponent)
  const n = clamped + roundingMagic - roundingMagic
  const r = clamped - n
  let p = exp2Coefficients[0]
  for (let i = 1; i < exp2Coefficients.length; i++) p = p * r + exp2Coefficients[i]
  return p * powers[n + mostExponent]
}
