// slice_bwd: dx = dy in columns start to start + len, zero elsewhere; one item of dx per invocation.
//   dy  [T, len]    f32  in
//   dx  [T, width]  f32  out
// grid      (ceil(T * width / 64), 1, 1)   beyond 65,535 also y
// block     (64, 1, 1)
// smem      0 bytes
// source    derivative of slice; reference in src/ops/slice_bwd.ts

// One element, or four where the launch can (items.ts); N and the widths count items.
alias Item = f32;

struct Uniforms { N: u32, width: u32, start: u32, len: u32 }

@group(0) @binding(0) var<storage, read> dy: array<Item>;
@group(0) @binding(1) var<storage, read_write> dx: array<Item>;
@group(0) @binding(2) var<uniform> u: Uniforms;

@compute @workgroup_size(64)
fn slice_bwd(@builtin(workgroup_id) wg: vec3u, @builtin(num_workgroups) num: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = (wg.y * num.x + wg.x) * 64 + lane;
  if (i >= u.N) { return; }
  let t = i / u.width;
  // Columns left of start wrap around to large numbers.
  let column = i - t * u.width - u.start;
  var d = Item(0.0);
  if (column < u.len) { d = dy[t * u.len + column]; }
  dx[i] = d;
}
