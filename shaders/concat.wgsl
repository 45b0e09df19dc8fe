// concat: z = [x, y] along the columns, one item of z per invocation.
//   x  [T, A]      f32  in
//   y  [T, B]      f32  in
//   z  [T, A + B]  f32  out
// grid      (ceil(T * (A + B) / 64), 1, 1)   beyond 65,535 also y
// block     (64, 1, 1)
// smem      0 bytes
// source    reference in src/ops/concat.ts

// One element, or four where the launch can (items.ts); N and the widths count items.
alias Item = f32;

struct Uniforms { N: u32, A: u32, B: u32 }

@group(0) @binding(0) var<storage, read> x: array<Item>;
@group(0) @binding(1) var<storage, read> y: array<Item>;
@group(0) @binding(2) var<storage, read_write> z: array<Item>;
@group(0) @binding(3) var<uniform> u: Uniforms;

@compute @workgroup_size(64)
fn concat(@builtin(workgroup_id) wg: vec3u, @builtin(num_workgroups) num: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = (wg.y * num.x + wg.x) * 64 + lane;
  if (i >= u.N) { return; }
  let t = i / (u.A + u.B);
  let column = i - t * (u.A + u.B);
  if (column < u.A) {
    z[i] = x[t * u.A + column];
  } else {
    z[i] = y[t * u.B + column - u.A];
  }
}
