// moe_gate_bwd: dlogits = dscores * scores * (1 - scores).
//   dscores  [T, E]  f32  in
//   scores   [T, E]  f32  in
//   dlogits  [T, E]  f32  out
// grid      (ceil(T * E / 64), 1, 1)   beyond 65,535 also y
// block     (64, 1, 1)
// smem      0 bytes
// source    derivative of the sigmoid; reference in src/ops/moe_gate_bwd.ts

// One element, or four where the launch can (items.ts); N counts items.
alias Item = f32;

struct Uniforms { N: u32 }

@group(0) @binding(0) var<storage, read> dscores: array<Item>;
@group(0) @binding(1) var<storage, read> scores: array<Item>;
@group(0) @binding(2) var<storage, read_write> dlogits: array<Item>;
@group(0) @binding(3) var<uniform> u: Uniforms;

@compute @workgroup_size(64)
fn moe_gate_bwd(@builtin(workgroup_id) wg: vec3u, @builtin(num_workgroups) num: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = (wg.y * num.x + wg.x) * 64 + lane;
  if (i >= u.N) { return; }
  dlogits[i] = dscores[i] * scores[i] * (1.0 - scores[i]);
}
