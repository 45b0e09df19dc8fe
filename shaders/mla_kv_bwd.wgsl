// mla_kv_bwd: dkv = [dk's first `nope` dims; dv] per head, dk_rope = sum over heads of dk's other dims; one head of a
// token per invocation, and its share of dk_rope (see mla_kv.wgsl about branches).
//   dk       [T, n, nope + R]      f32  in
//   dv       [T, n, Dv]            f32  in
//   dkv      [T, n * (nope + Dv)]  f32  out
//   dk_rope  [T, R]                f32  out
// grid      (ceil(T * n / 64), 1, 1)   beyond 65,535 also y
// block     (64, 1, 1)
// smem      0 bytes
// source    derivative of mla_kv; reference in src/ops/mla_kv_bwd.ts

// One element, or four where the launch can (items.ts); the widths count items, N heads of tokens.
alias Item = f32;

struct Uniforms { N: u32, heads: u32, nope: u32, R: u32, Dv: u32 }

@group(0) @binding(0) var<storage, read> dk: array<Item>;
@group(0) @binding(1) var<storage, read> dv: array<Item>;
@group(0) @binding(2) var<storage, read_write> dkv: array<Item>;
@group(0) @binding(3) var<storage, read_write> dk_rope: array<Item>;
@group(0) @binding(4) var<uniform> u: Uniforms;

@compute @workgroup_size(64)
fn mla_kv_bwd(@builtin(workgroup_id) wg: vec3u, @builtin(num_workgroups) num: vec3u, @builtin(local_invocation_index) lane: u32) {
  let head = (wg.y * num.x + wg.x) * 64 + lane;
  if (head >= u.N) { return; }
  let D = u.nope + u.R;
  let key = head * D;
  let at = head * (u.nope + u.Dv);
  for (var d = 0u; d < u.nope; d++) { dkv[at + d] = dk[key + d]; }
  for (var d = 0u; d < u.Dv; d++) { dkv[at + u.nope + d] = dv[head * u.Dv + d]; }

  // Head h of the token sums dk_rope's items h, h + heads, ...
  let t = head / u.heads;
  for (var r = head - t * u.heads; r < u.R; r += u.heads) {
    var sum = Item(0.0);
    for (var h = 0u; h < u.heads; h++) { sum += dk[(t * u.heads + h) * D + u.nope + r]; }
    dk_rope[t * u.R + r] = sum;
  }
}
