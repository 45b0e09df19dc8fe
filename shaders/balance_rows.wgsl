// balance_rows: row[t] = sum over e of s[t, e]; mean[t] = sum over e of f[b, e] s[t, e] / row[t], f = perCount * counts.
//   scores  [T, E]  f32  in
//   counts  [B, E]  u32  scratch, in
//   row     [T]     f32  scratch, out
//   mean    [T]     f32  scratch, out: the loss is alpha times the mean of these
// grid      (ceil(T / 64), 1, 1)   one token per invocation; beyond 65,535 also y
// block     (64, 1, 1)
// smem      0 bytes
// source    deepseek-v3.md §1.4; reference in src/ops/balance_loss.ts

struct Uniforms { T: u32, E: u32, seqLen: u32, perCount: f32 }

@group(0) @binding(0) var<storage, read> scores: array<f32>;
@group(0) @binding(1) var<storage, read> counts: array<u32>;
@group(0) @binding(2) var<storage, read_write> row: array<f32>;
@group(0) @binding(3) var<storage, read_write> mean: array<f32>;
@group(0) @binding(4) var<uniform> u: Uniforms;

@compute @workgroup_size(64)
fn balance_rows(@builtin(workgroup_id) wg: vec3u, @builtin(num_workgroups) num: vec3u, @builtin(local_invocation_index) lane: u32) {
  let t = (wg.y * num.x + wg.x) * 64 + lane;
  if (t >= u.T) { return; }
  let b = t / u.seqLen * u.E;
  var sum = 0.0;
  var dot = 0.0;
  for (var e = 0u; e < u.E; e++) {
    let s = scores[t * u.E + e];
    sum += s;
    dot += f32(counts[b + e]) * s;
  }
  row[t] = sum;
  var m = 0.0;
  if (sum != 0.0) { m = dot / sum * u.perCount; }
  mean[t] = m;
}
