import type { DType } from '../src/core/dtype.ts'
import type { Fp8Tile } from '../src/ops/quantize_fp8.ts'
import { bitsAt, quotient } from './fp8_arithmetic.ts'

export const quantizeText = (dtype: DType, tile: Fp8Tile, perturbUlps = 0) => `// quantize_fp8: q = e4m3(x / scale)${tile === '128x1' ? ', transposed' : ''}.
//   x      [M, K]  f32 or bf16  in
//   scale  [S, ceil(C / 128)]  f32  in
//   q      [R, C]  e4m3  out   [M, K], for 128x1 [K, M]
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
