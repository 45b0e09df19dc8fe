// transpose: y[e, c, r] = x[e, r, c]: a pass of the matrix products, not an op of its own.
//   x  [E, R, C]  f32  in
//   y  [E, C, R]  f32  out
// grid      (ceil(R / 16), ceil(C / 16), E)   beyond 65,535 by striding
// block     (256, 1, 1)                       tiles of 16 x 16: writes are neighbours, reads stay in few cache lines
// smem      0 bytes
// source    reference in src/ops/matrix.ts

struct Uniforms { E: u32, R: u32, C: u32 }

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<uniform> u: Uniforms;

@compute @workgroup_size(256)
fn transpose(@builtin(workgroup_id) wg: vec3u, @builtin(num_workgroups) num: vec3u, @builtin(local_invocation_index) lane: u32) {
  let base = wg.z * u.R * u.C;
  for (var r = wg.x * 16 + lane % 16; r < u.R; r += num.x * 16) {
    for (var c = wg.y * 16 + lane / 16; c < u.C; c += num.y * 16) { y[base + c * u.R + r] = x[base + r * u.C + c]; }
  }
}
