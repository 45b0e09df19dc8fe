// The three texts of quantize_fp8: amax of each tile (of each row of it, for blocks), scales, bytes. Everything that decides a
// bit is done in integers: WGSL allows a division 2.5 units in the last place of error.
import type { DType } from '../src/core/dtype.ts'
import type { Fp8Tile } from '../src/ops/quantize_fp8.ts'

const bitsAt = (dtype: DType) => dtype === 'bf16'
  ? 'fn bits_at(i: u32) -> u32 { return (x[i >> 1u] >> ((i & 1u) * 16u)) << 16u; }'
  : 'fn bits_at(i: u32) -> u32 { return x[i]; }'

export const amaxText = (dtype: DType, tile: Fp8Tile) => `// quantize_fp8: pass one, amax[t] = max |x| over ${tile === '128x1' ? '128 rows of a column' : '128 columns of a row'}.
//   x     [M, K]  ${dtype}  in
//   amax  ${tile === '128x1' ? '[K, ceil(M / 128)]' : '[M, ceil(K / 128)]'}  u32  out   bits of |x|, which order as the numbers do; NaN above all
// grid      (ceil(number of amax / 64), 1, 1)   beyond 65,535 also y
// block     (64, 1, 1)
// smem      0 bytes
// source    deepseek-v3.md §2; reference in src/ops/quantize_fp8.ts

struct Uniforms { M: u32, K: u32 }

@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(0) @binding(1) var<storage, read_write> amax: array<u32>;
@group(0) @binding(2) var<uniform> u: Uniforms;

${bitsAt(dtype)}

@compute @workgroup_size(64)
fn tile_amax(@builtin(workgroup_id) wg: vec3u, @builtin(num_workgroups) num: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = (wg.y * num.x + wg.x) * 64 + lane;
  var largest = 0u;
${tile === '128x1' ? `  // Neighbours take neighbouring columns.
  let tiles = (u.M + 127) / 128;
  if (i >= u.K * tiles) { return; }
  let k = i % u.K;
  let t = i / u.K;
  let end = min(t * 128 + 128, u.M);
  for (var m = t * 128; m < end; m++) { largest = max(largest, bits_at(m * u.K + k) & 0x7fffffffu); }
  amax[k * tiles + t] = largest;` : `  let tiles = (u.K + 127) / 128;
  if (i >= u.M * tiles) { return; }
  let m = i / tiles;
  let t = i % tiles;
  let end = m * u.K + min(t * 128 + 128, u.K);
  for (var at = m * u.K + t * 128; at < end; at++) { largest = max(largest, bits_at(at) & 0x7fffffffu); }
  amax[i] = largest;`}
}
`

/**
 * The 24-bit mantissa of x / s, rounded to nearest even, for positive normal floats given as bits; its exponent is
 * quotient_exponent. \`perturbUlps\` is added to the hardware's quotient: tests show that it changes nothing.
 */
const quotient = (perturbUlps: number) => `
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

export const scaleText = (pow2: boolean, perturbUlps = 0) => `// quantize_fp8: pass two, scale = max(amax, 1e-4) / 448${pow2 ? ', rounded up to a power of two' : ''}.
//   amax   [M, T]  u32  in
//   scale  [R, T]  f32  out   R rows: each the largest of B rows of amax, within groups of G rows
// grid      (ceil(R * T / 64), 1, 1)   beyond 65,535 also y
// block     (64, 1, 1)
// smem      0 bytes
// source    deepseek-v3.md §2; reference in src/ops/quantize_fp8.ts

struct Uniforms { R: u32, T: u32, B: u32, G: u32 }

@group(0) @binding(0) var<storage, read> amax: array<u32>;
@group(0) @binding(1) var<storage, read_write> scale: array<u32>; // float32 bits
@group(0) @binding(2) var<uniform> u: Uniforms;
${quotient(perturbUlps)}
@compute @workgroup_size(64)
fn tile_scale(@builtin(workgroup_id) wg: vec3u, @builtin(num_workgroups) num: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = (wg.y * num.x + wg.x) * 64 + lane;
  if (i >= u.R * u.T) { return; }
  let blocks = (u.G + u.B - 1) / u.B; // of a group
  let row = i / u.T;
  let group = row / blocks;
  let first = group * u.G + (row % blocks) * u.B;
  let end = min(first + u.B, group * u.G + u.G);
  var largest = 0x38d1b717u; // 1e-4
  for (var m = first; m < end; m++) { largest = max(largest, amax[m * u.T + i % u.T]); }
  if (largest >= 0x7f800000u) { // infinity or NaN
    scale[i] = largest;
    return;
  }
  let s448 = 0x43e00000u;
  let exponent = quotient_exponent(largest, s448);
  // A mantissa of 2^24 carries into the exponent.
  var bits = (u32(exponent + 127) << 23u) + (quotient(largest, s448) - 0x800000u);
${pow2 ? '  if ((bits & 0x7fffffu) != 0u) { bits = (bits & 0x7f800000u) + 0x800000u; }\n' : ''}  scale[i] = bits;
}
`

export const quantizeText = (dtype: DType, tile: Fp8Tile, perturbUlps = 0) => `// quantize_fp8: pass three, q = e4m3(x / scale)${tile === '128x1' ? ', transposed' : ''}.
//   x      [M, K]  ${dtype}  in
//   scale  [., ceil(C / 128)]  f32  in
//   q      [R, C] = ${tile === '128x1' ? '[K, M]' : '[M, K]'}  e4m3  out
// grid      (ceil(R * C / 256), 1, 1)   beyond 65,535 also y
// block     (64, 1, 1)                  one word, four bytes, per invocation
// smem      0 bytes
// source    deepseek-v3.md §2; reference in src/ops/quantize_fp8.ts

struct Uniforms { R: u32, C: u32, B: u32, G: u32 } // tiles of B rows within groups of G rows

@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(0) @binding(1) var<storage, read> scale: array<u32>;
@group(0) @binding(2) var<storage, read_write> q: array<u32>;
@group(0) @binding(3) var<uniform> u: Uniforms;

${bitsAt(dtype)}
${quotient(perturbUlps)}
/** e4m3 of the float32 quotient x / s, both given as bits; s is at least 1e-4 / 448. */
fn encode(x: u32, s: u32) -> u32 {
  let sign = (x >> 24u) & 0x80u;
  let a = x & 0x7fffffffu;
  if (a > 0x7f800000u || s > 0x7f800000u || (a == 0x7f800000u && s == a)) { return 0x7fu; } // NaN
  if (a < 0x800000u || s == 0x7f800000u) { return sign; } // a subnormal x is far below the smallest code
  let exponent = quotient_exponent(a, s);
  if (exponent < -11) { return sign; } // below 2^-11; half of the smallest code is 2^-10
  // Keep four bits of the mantissa, fewer below 2^-6; a carry moves into the exponent by itself.
  let drop = 20u + u32(max(0, -6 - exponent));
  let m = quotient(a, s);
  let rest = m & ((1u << drop) - 1u);
  let half = 1u << (drop - 1u);
  var kept = m >> drop;
  if (rest > half || (rest == half && (kept & 1u) == 1u)) { kept++; }
  return sign | min((u32(max(exponent, -6) + 6) << 3u) + kept, 0x7eu);
}

@compute @workgroup_size(64)
fn quantize_fp8(@builtin(workgroup_id) wg: vec3u, @builtin(num_workgroups) num: vec3u, @builtin(local_invocation_index) lane: u32) {
  let word = (wg.y * num.x + wg.x) * 64 + lane;
  let total = u.R * u.C;
  if (word * 4 >= total) { return; }
  let tiles = (u.C + 127) / 128;
  var packed = 0u;
  for (var i = 0u; i < 4; i++) {
    let at = word * 4 + i;
    if (at >= total) { break; }
    let r = at / u.C;
    let c = at % u.C;
    let row = (r / u.G) * ((u.G + u.B - 1) / u.B) + (r % u.G) / u.B;
    packed |= encode(bits_at(${tile === '128x1' ? 'c * u.R + r' : 'at'}), scale[row * tiles + c / 128]) << (i * 8u);
  }
  q[word] = packed;
}
`
