// moe_weights_bwd: dscores[t, e] = scale / S * (dw[t, j] - sum over i of dw[t, i] s[t, i] / S) where expert e is choice j, else 0.
//   dw            [T, topk]  f32  in
//   scores        [T, E]     f32  in
//   topk_indices  [T, topk]  i32  in
//   dscores       [T, E]     f32  out
// grid      (ceil(T * topk / 64), 1, 1)   one choice per invocation, after zero.wgsl on dscores; beyond 65,535 also y
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
  let t = i / u.topk;
  let e = topk_indices[i];

  // Phase 1: the token's sums, and those over the choices that are this expert (an expert chosen twice gets the same twice).
  var sum = 0.0;
  var dot = 0.0;
  var times = 0.0;
  var d = 0.0;
  for (var j = t * u.topk; j < (t + 1) * u.topk; j++) {
    let expert = topk_indices[j];
    let s = scores[t * u.E + u32(expert)];
    let g = dw[j];
    sum += s;
    dot += g * s;
    times += select(0.0, 1.0, expert == e);
    d += select(0.0, g, expert == e);
  }

  // Phase 2: the derivative of the quotient.
  var result = d * u.scale;
  if (u.normalize != 0) {
    let divisor = select(sum, 1.0, sum == 0.0);
    result = select(u.scale / divisor * (d - times * (dot / divisor)), 0.0, sum == 0.0);
  }
  dscores[t * u.E + u32(e)] = result;
}
