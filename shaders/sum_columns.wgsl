// sum_columns: y[r] = sum over c of x[r, c]: the second pass of reductions over columns. Not an op of its own.
//   x  [R, C]  f32  in
//   y  [R]     f32  out
// grid      (ceil(R / 64), 1, 1)   beyond 65,535 also y
// block     (64, 1, 1)
// smem      0 bytes
// source    fixed order: the same bits every time

struct Uniforms { R: u32, C: u32 }

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<uniform> u: Uniforms;

@compute @workgroup_size(64)
fn sum_columns(@builtin(workgroup_id) wg: vec3u, @builtin(num_workgroups) num: vec3u, @builtin(local_invocation_index) lane: u32) {
  let r = (wg.y * num.x + wg.x) * 64 + lane;
  if (r >= u.R) { return; }
  // In blocks of 64, so that the float32 error grows with C / 64 + 64, not with C.
  var total = 0.0;
  for (var start = 0u; start < u.C; start += 64) {
    var sum = 0.0;
    let end = min(start + 64, u.C);
    for (var c = start; c < end; c++) { sum += x[r * u.C + c]; }
    total += sum;
  }
  y[r] = total;
}
