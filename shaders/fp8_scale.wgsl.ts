import { quotient } from './fp8_arithmetic.ts'

export const scaleText = (pow2: boolean, perturbUlps = 0) => `// fp8_scale: scale = max(amax, 1e-4) / 448${pow2 ? ', rounded up to a power of two' : ''}; pass two of quantize_fp8.
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
fn fp8_scale(@builtin(workgroup_id) wg: vec3u, @builtin(num_workgroups) num: vec3u, @builtin(local_invocation_index) lane: u32) {
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
