// moe_weights_bwd: dscores[t, e] = scale / S * (dw[t, j] - sum over i of dw[t, i] s[t, i] / S) where expert e is choice j, else 0.
//   dw            [T, topk]  f32  in
//   scores        [T, E]     f32  in
//   topk_indices  [T, topk]  i32  in
//   dscores       [T, E]     f32  out
// grid      (ceil(T * E / 64), 1, 1)   one score per invocation; beyond 65,535 also y
// block     (64, 1, 1)
// smem      0 bytes
// source    derivative of moe_weights, S = sum of the chosen scores; reference in src/ops/moe_weights_bwd.ts

struct Uniforms { N: u32, E: u32, topk: u32, normalize: u32, scale: f32 }

@group(0) @binding(0) var<storage, read> dw: array<f32>;
@group(0) @binding(1) var<storage, read> scores: array<f32>;
@group(0) @binding(2) var<storage, read> topk_indices: array<i32>;
@group(0) @binding(3) var<storage, read_write> dscores: array<f32>;
@group(0) @binding(4) var<uniform> u: Uniforms;

@compute @workgroup_size(64)
fn moe_weights_bwd(@builtin(workgroup_id) wg: vec3u, @builtin(num_workgroups) num: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = (wg.y * num.x + wg.x) * 64 + lane;
  if (i >= u.N) { return; }
  let t = i / u.E;
  let e = i32(i - t * u.E);

  // Phase 1: which choices are this expert. Most experts are none.
  var times = 0.0;
  var d = 0.0;
  for (var j = t * u.topk; j < (t + 1) * u.topk; j++) {
    if (topk_indices[j] == e) { times += 1.0; d += dw[j]; }
  }
  if (times == 0.0 || u.normalize == 0) {
    dscores[i] = d * u.scale;
    return;
  }

  // Phase 2: the token's sums.
  var sum = 0.0;
  var dot = 0.0;
  for (var j = t * u.topk; j < (t + 1) * u.topk; j++) {
    let s = scores[t * u.E + u32(topk_indices[j])];
    sum += s;
    dot += dw[j] * s;
  }
  var result = 0.0;
  if (sum != 0.0) { result = u.scale / sum * (d - times * (dot / sum)); }
  dscores[i] = result;
}
