// zero_tail: y[i, :] = 0 for the rows from offsets[E] on: a pass of the grouped products, not an op of its own.
//   offsets  [E + 1]  i32  in
//   y        [P, N]   f32  out
// grid      (ceil(P / 64), 1, 1)   beyond 65,535 also y
// block     (64, 1, 1)             one row per invocation: nearly all end at once, the tail is short
// smem      0 bytes
// source    reference in src/ops/grouped_gemm.ts

struct Uniforms { E: u32, P: u32, N: u32 }

@group(0) @binding(0) var<storage, read> offsets: array<i32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<uniform> u: Uniforms;

@compute @workgroup_size(64)
fn zero_tail(@builtin(workgroup_id) wg: vec3u, @builtin(num_workgroups) num: vec3u, @builtin(local_invocation_index) lane: u32) {
  let row = (wg.y * num.x + wg.x) * 64 + lane;
  if (row >= u.P || row < u32(offsets[u.E])) { return; }
  for (var n = 0u; n < u.N; n++) { y[row * u.N + n] = 0.0; }
}
