// zero: x[i] = 0. Not an op of its own.
//   x  [N]  f32  out  or integers: zero has the same bits
// grid      (ceil(N / 64), 1, 1)   beyond 65,535 also y
// block     (64, 1, 1)
// smem      0 bytes
// source    scratch memory and outputs begin undefined

// One element, or four where the launch can (items.ts); N counts items.
alias Item = f32;

struct Uniforms { N: u32 }

@group(0) @binding(0) var<storage, read_write> x: array<Item>;
@group(0) @binding(1) var<uniform> u: Uniforms;

@compute @workgroup_size(64)
fn zero(@builtin(workgroup_id) wg: vec3u, @builtin(num_workgroups) num: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = (wg.y * num.x + wg.x) * 64 + lane;
  if (i < u.N) { x[i] = Item(0.0); }
}
