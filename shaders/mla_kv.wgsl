// mla_kv: k = [kv's first `nope` dims of a head; k_rope], v = the head's other dims; one item of k or v per invocation.
//   kv      [T, n * (nope + Dv)]  f32  in
//   k_rope  [T, R]                f32  in
//   k       [T, n, nope + R]      f32  out
//   v       [T, n, Dv]            f32  out
// grid      (ceil(T * n / 64), 1, 1)   beyond 65,535 also y
// block     (64, 1, 1)
// smem      0 bytes
// source    deepseek-v3.md §1.2; reference in src/ops/mla_kv.ts

// One element, or four where the launch can (items.ts); the widths count items, N heads of tokens.
alias Item = f32;

struct Uniforms { N: u32, heads: u32, nope: u32, R: u32, Dv: u32 }

@group(0) @binding(0) var<storage, read> kv: array<Item>;
@group(0) @binding(1) var<storage, read> k_rope: array<Item>;
@group(0) @binding(2) var<storage, read_write> k: array<Item>;
@group(0) @binding(3) var<storage, read_write> v: array<Item>;
@group(0) @binding(4) var<uniform> u: Uniforms;

@compute @workgroup_size(64)
fn mla_kv(@builtin(workgroup_id) wg: vec3u, @builtin(num_workgroups) num: vec3u, @builtin(local_invocation_index) lane: u32) {
  let head = (wg.y * num.x + wg.x) * 64 + lane;
  if (head >= u.N) { return; }
  let source = head * (u.nope + u.Dv);
  let key = head * (u.nope + u.R);
  let sharedRow = head / u.heads * u.R;
  for (var d = 0u; d < u.nope; d++) { k[key + d] = kv[source + d]; }
  for (var d = 0u; d < u.R; d++) { k[key + u.nope + d] = k_rope[sharedRow + d]; }
  for (var d = 0u; d < u.Dv; d++) { v[head * u.Dv + d] = kv[source + u.nope + d]; }
}
