// embedding: x[t] = w[ids[t]]; an id outside 0..V-1 gives a row of zeros.
//   ids  [T]     i32  in
//   w    [V, H]  f32  in
//   x    [T, H]  f32  out
// grid      (ceil(H / 64), T, 1)   beyond 65,535 rows by striding
// block     (64, 1, 1)             one element per invocation: neighbours read neighbours
// smem      0 bytes
// source    deepseek-v3.md §1.2; reference in src/ops/embedding.ts

struct Uniforms { T: u32, H: u32, V: u32 }

@group(0) @binding(0) var<storage, read> ids: array<i32>;
@group(0) @binding(1) var<storage, read> w: array<f32>;
@group(0) @binding(2) var<storage, read_write> x: array<f32>;
@group(0) @binding(3) var<uniform> u: Uniforms;

@compute @workgroup_size(64)
fn embedding(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) num: vec3u) {
  let h = id.x;
  if (h >= u.H) { return; }
  for (var t = id.y; t < u.T; t += num.y) {
    let word = u32(ids[t]);
    var value = 0.0;
    if (word < u.V) { value = w[word * u.H + h]; }
    x[t * u.H + h] = value;
  }
}
