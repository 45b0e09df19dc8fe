// accumulate: y += x, one item per invocation.
//   x  [N]  f32  in
//   y  [N]  f32  inout
// grid      (ceil(N / 64), 1, 1)   beyond 65,535 also y
// block     (64, 1, 1)
// smem      0 bytes
// source    last pass of ops that add to their result; reference in src/ops/gemm_fp8_bwd_w.ts

// One element, or four where the launch can (items.ts); N counts items.
alias Item = f32;

struct Uniforms { N: u32 }

@group(0) @binding(0) var<storage, read> x: array<Item>;
@group(0) @binding(1) var<storage, read_write> y: array<Item>;
@group(0) @binding(2) var<uniform> u: Uniforms;

@compute @workgroup_size(64)
fn accumulate(@builtin(workgroup_id) wg: vec3u, @builtin(num_workgroups) num: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = (wg.y * num.x + wg.x) * 64 + lane;
  if (i >= u.N) { return; }
  y[i] += x[i];
}
