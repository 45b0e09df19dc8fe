// moe_weights: topk_weights[t, j] = scale * s[t, j] / sum over j of s[t, j], with s the scores of the chosen experts.
//   scores        [T, E]     f32  in
//   topk_indices  [T, topk]  i32  in
//   topk_weights  [T, topk]  f32  out
// grid      (ceil(T * topk / 64), 1, 1)   one weight per invocation; beyond 65,535 also y
// block     (64, 1, 1)
// smem      0 bytes
// source    deepseek-v3.md §1.4; reference in src/ops/moe_weights.ts

struct Uniforms { N: u32, E: u32, topk: u32, normalize: u32, scale: f32 }

@group(0) @binding(0) var<storage, read> scores: array<f32>;
@group(0) @binding(1) var<storage, read> topk_indices: array<i32>;
@group(0) @binding(2) var<storage, read_write> topk_weights: array<f32>;
@group(0) @binding(3) var<uniform> u: Uniforms;

@compute @workgroup_size(64)
fn moe_weights(@builtin(workgroup_id) wg: vec3u, @builtin(num_workgroups) num: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = (wg.y * num.x + wg.x) * 64 + lane;
  if (i >= u.N) { return; }
  let t = i / u.topk;
  let s = scores[t * u.E + u32(topk_indices[i])];
  if (u.normalize == 0) {
    topk_weights[i] = s * u.scale;
    return;
  }
  var sum = 0.0;
  for (var j = t * u.topk; j < (t + 1) * u.topk; j++) { sum += scores[t * u.E + u32(topk_indices[j])]; }
  var w = 0.0;
  if (sum != 0.0) { w = s / sum * u.scale; }
  topk_weights[i] = w;
}
