// balance_total: loss = factor * sum over t of mean[t]: the last step of balance_loss.
//   mean  [T]  f32  scratch, in
//   part  [64]  f32  scratch, out: sum_columns adds them up
// grid      (1, 1, 1)
// block     (64, 1, 1)
// smem      0 bytes
// source    fixed order: the same bits every time; reference in src/ops/balance_loss.ts

struct Uniforms { T: u32, factor: f32 }

@group(0) @binding(0) var<storage, read> mean: array<f32>;
@group(0) @binding(1) var<storage, read_write> part: array<f32>;
@group(0) @binding(2) var<uniform> u: Uniforms;

@compute @workgroup_size(64)
fn balance_total(@builtin(local_invocation_index) lane: u32) {
  // 64 strands, each in blocks of 64.
  var total = 0.0;
  for (var start = lane; start < u.T; start += 4096) {
    var sum = 0.0;
    let end = min(start + 4096, u.T);
    for (var t = start; t < end; t += 64) { sum += mean[t]; }
    total += sum;
  }
  part[lane] = total * u.factor;
}
