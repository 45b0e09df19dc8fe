// slice: y = x[:, start : start + len], one item of y per invocation.
//   x  [T, D]    f32  in
//   y  [T, len]  f32  out
// grid      (ceil(T * len / 64), 1, 1)   beyond 65,535 also y
// block     (64, 1, 1)
// smem      0 bytes
// source    reference in src/ops/slice.ts

// One element, or four where the launch can (items.ts); N and the widths count items.
alias Item = f32;

struct Uniforms { N: u32, D: u32, start: u32, len: u32 }

@group(0) @binding(0) var<storage, read> x: array<Item>;
@group(0) @binding(1) var<storage, read_write> y: array<Item>;
@group(0) @binding(2) var<uniform> u: Uniforms;

@compute @workgroup_size(64)
fn slice(@builtin(workgroup_id) wg: vec3u, @builtin(num_workgroups) num: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = (wg.y * num.x + wg.x) * 64 + lane;
  if (i >= u.N) { return; }
  let t = i / u.len;
  y[i] = x[t * u.D + u.start + i - t * u.len];
}
