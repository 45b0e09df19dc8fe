// embedding: x[t] = w[ids[t]]; an id outside 0..V-1 gives a row of zeros.
//   ids  [T]     i32  in
//   w    [V, H]  f32  in
//   x    [T, H]  f32  out
// grid      (ceil(T * H / 256), 1, 1)   beyond 65,535 also y
// block     (256, 1, 1)                one element per invocation: neighbours read neighbours
// smem      0 bytes
// source    deepseek-v3.md §1.2; reference in src/ops/embedding.ts

struct Uniforms { T: u32, H: u32, V: u32 }

@group(0) @binding(0) var<storage, read> ids: array<i32>;
@group(0) @binding(1) var<storage, read> w: array<f32>;
@group(0) @binding(2) var<storage, read_write> x: array<f32>;
@group(0) @binding(3) var<uniform> u: Uniforms;

@compute @workgroup_size(256)
fn embedding(@builtin(workgroup_id) wg: vec3u, @builtin(num_workgroups) num: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = (wg.y * num.x + wg.x) * 256 + lane;
  if (i >= u.T * u.H) { return; }
  let t = i / u.H;
  let h = i - t * u.H;
  let word = u32(ids[t]);
  var value = 0.0;
  if (word < u.V) { value = w[word * u.H + h]; }
  x[i] = value;
}
