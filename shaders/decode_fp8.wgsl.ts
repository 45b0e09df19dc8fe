import { decode } from './fp8_arithmetic.ts'

export const decodeFp8Text = `// decode_fp8: y = q: a pass of the fp8 products, not an op of its own.
//   q  [N]  e4m3  in
//   y  [N]  f32   out
// grid      (ceil(N / 64), 1, 1)   beyond 65,535 also y
// block     (64, 1, 1)
// smem      0 bytes
// source    reference in src/core/dtype.ts

struct Uniforms { N: u32 }

@group(0) @binding(0) var<storage, read> q: array<u32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<uniform> u: Uniforms;
${decode}
@compute @workgroup_size(64)
fn decode_fp8(@builtin(workgroup_id) wg: vec3u, @builtin(num_workgroups) num: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = (wg.y * num.x + wg.x) * 64 + lane;
  if (i < u.N) { y[i] = decode(code_at(i)); }
}
`
