// balance_loss: loss = alpha / T * sum over t of mean[t]; dscores[t, e] = alpha / T * (f[b, e] - mean[t]) / row[t].
//   scores        [T, E]     f32  in, for balance_rows
//   topk_indices  [T, topk]  i32  in, for balance_counts
//   loss          [1]        f32  out of balance_total and sum_columns
//   counts        [B, E]     u32  scratch, out of balance_counts
//   row           [T]        f32  scratch, out of balance_rows: sum of a token's scores
//   mean          [T]        f32  scratch, out of balance_rows: sum over e of f[b, e] s[t, e] / row[t]
//   dscores       [T, E]     f32  out
// grid      (ceil(T * E / 64), 1, 1)   one score per invocation; beyond 65,535 also y
// block     (64, 1, 1)
// smem      0 bytes
// source    derivative of the loss, f constant; reference in src/ops/balance_loss.ts

struct Uniforms { N: u32, E: u32, seqLen: u32, perCount: f32, factor: f32 }

@group(0) @binding(0) var<storage, read> counts: array<u32>;
@group(0) @binding(1) var<storage, read> row: array<f32>;
@group(0) @binding(2) var<storage, read> mean: array<f32>;
@group(0) @binding(3) var<storage, read_write> dscores: array<f32>;
@group(0) @binding(4) var<uniform> u: Uniforms;

@compute @workgroup_size(64)
fn balance_loss(@builtin(workgroup_id) wg: vec3u, @builtin(num_workgroups) num: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = (wg.y * num.x + wg.x) * 64 + lane;
  if (i >= u.N) { return; }
  let t = i / u.E;
  let e = i - t * u.E;
  let sum = row[t];
  var d = 0.0;
  if (sum != 0.0) { d = u.factor * (f32(counts[t / u.seqLen * u.E + e]) * u.perCount - mean[t]) / sum; }
  dscores[i] = d;
}
