// WGSL functions that the fp8 kernels share. Everything that decides a bit is done in integers: WGSL allows a division 2.5
// units in the last place of error.
import type { DType } from '../src/core/dtype.ts'

/** `bits_at(i)`: element i of x as float32 bits. */
export const bitsAt = (dtype: DType) => dtype === 'bf16'
  ? 'fn bits_at(i: u32) -> u32 { return (x[i >> 1u] >> ((i & 1u) * 16u)) << 16u; }'
  : 'fn bits_at(i: u32) -> u32 { return x[i]; }'

/** `decode(code) -> f32`, and `code_at(i)` from the packed q. */
export const decode = `
/** e4m3 -> f32, exact: bits for normal codes, an integer product below them; the two NaN codes give NaN. */
fn decode(code: u32) -> f32 {
  let magnitude = code & 0x7fu;
  let normal = bitcast<f32>((magnitude << 20u) + 0x3c000000u);
  let value = select(normal, f32(magnitude) * 0.001953125, magnitude < 8u);
  let bits = select(bitcast<u32>(value), 0x7fc00000u, magnitude == 127u) | ((code & 0x80u) << 24u);
  return bitcast<f32>(bits);
}

fn code_at(i: u32) -> u32 { return (q[i >> 2u] >> ((i & 3u) * 8u)) & 0xffu; }
`

/**
 * `quotient(x, s)`: the 24-bit mantissa of x / s, rounded to nearest even, for positive normal floats given as bits; its
 * exponent is `quotient_exponent(x, s)`. `perturbUlps` is added to the hardware's quotient: a test shows that it changes nothing.
 */
export const quotient = (perturbUlps: number) => `
fn mantissa(bits: u32) -> u32 { return (bits & 0x7fffffu) | 0x800000u; }

fn quotient_exponent(x: u32, s: u32) -> i32 {
  return i32(x >> 23u) - i32(s >> 23u) - select(0, 1, mantissa(x) < mantissa(s));
}

/** Mantissa of x / s in [2^23, 2^24], to nearest even: the hardware's quotient, corrected by the exact remainder. */
fn quotient(x: u32, s: u32) -> u32 {
  let a = mantissa(x);
  let b = mantissa(s);
  let shift = select(23u, 24u, a < b);
  let guess = bitcast<f32>(bitcast<u32>(f32(a) / f32(b)) + ${perturbUlps < 0 ? `0x${(perturbUlps >>> 0).toString(16)}` : perturbUlps}u);
  var q = u32(guess * f32(1u << shift));
  // Twice the remainder a * 2^shift - q * b. The guess is within a few units, so 32 bits hold it though the terms wrap.
  var rest = bitcast<i32>((a << (shift + 1u)) - 2u * q * b);
  let half = i32(b);
  while (rest > half) { q++; rest -= 2 * half; }
  while (rest < -half) { q--; rest += 2 * half; }
  if ((q & 1u) == 1u && rest == half) { q++; }
  if ((q & 1u) == 1u && rest == -half) { q--; }
  return q;
}
`
