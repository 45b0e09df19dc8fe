import { decode } from './fp8_arithmetic.ts'

export const dequantizeFp8Text = (tile: '1x128' | '128x128') => `// dequantize_fp8: x = q * scale of the element's tile, ${tile}.
//   q      [M, K]  e4m3  in
//   scale  [R, ceil(K / 128)]  f32  in   R: M, or blocks of 128 rows within groups of G rows
//   x      [M, K]  f32   out
// grid      (ceil(M * K / 64), 1, 1)   beyond 65,535 also y
// block     (64, 1, 1)
// smem      0 bytes
// source    reference in src/ops/dequantize_fp8.ts

struct Uniforms { M: u32, K: u32, G: u32 } // G: rows of a group, which no block straddles

@group(0) @binding(0) var<storage, read> q: array<u32>;
@group(0) @binding(1) var<storage, read> scale: array<f32>;
@group(0) @binding(2) var<storage, read_write> x: array<f32>;
@group(0) @binding(3) var<uniform> u: Uniforms;
${decode}
@compute @workgroup_size(64)
fn dequantize_fp8(@builtin(workgroup_id) wg: vec3u, @builtin(num_workgroups) num: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = (wg.y * num.x + wg.x) * 64 + lane;
  if (i >= u.M * u.K) { return; }
  let m = i / u.K;
  let k = i % u.K;
  let row = ${tile === '1x128' ? 'm' : '(m / u.G) * ((u.G + 127) / 128) + (m % u.G) / 128'};
  x[i] = decode(code_at(i)) * scale[row * ((u.K + 127) / 128) + k / 128];
}
`
