// sum_rows: y[c] = sum over r of x[r, c]: the second pass of reductions over rows. Not an op of its own.
//   x  [R, C]  f32  in
//   y  [C]     f32  out
// grid      (ceil(C / 64), 1, 1)   beyond 65,535 also y
// block     (64, 1, 1)
// smem      0 bytes
// source    fixed order: the same bits every time

// One element, or four where the launch can (items.ts); C counts items.
alias Item = f32;

struct Uniforms { R: u32, C: u32 }

@group(0) @binding(0) var<storage, read> x: array<Item>;
@group(0) @binding(1) var<storage, read_write> y: array<Item>;
@group(0) @binding(2) var<uniform> u: Uniforms;

@compute @workgroup_size(64)
fn sum_rows(@builtin(workgroup_id) wg: vec3u, @builtin(num_workgroups) num: vec3u, @builtin(local_invocation_index) lane: u32) {
  let c = (wg.y * num.x + wg.x) * 64 + lane;
  if (c >= u.C) { return; }
  var sum = Item(0.0);
  for (var r = 0u; r < u.R; r++) { sum += x[r * u.C + c]; }
  y[c] = sum;
}
