// mla_kv_bwd: dkv = [dk's first `nope` dims; dv] per head, dk_rope = sum over heads of dk's other dims; one output item per invocation.
//   dk       [T, n, nope + R]      f32  in
//   dv       [T, n, Dv]            f32  in
//   dkv      [T, n * (nope + Dv)]  f32  out
//   dk_rope  [T, R]                f32  out
// grid      (ceil(T * (n * (nope + Dv) + R) / 64), 1, 1)   beyond 65,535 also y
// block     (64, 1, 1)
// smem      0 bytes
// source    derivative of mla_kv; reference in src/ops/mla_kv_bwd.ts

// One element, or four where the launch can (items.ts); N and the widths count items.
alias Item = f32;

struct Uniforms { N: u32, heads: u32, nope: u32, R: u32, Dv: u32 }

@group(0) @binding(0) var<storage, read> dk: array<Item>;
@group(0) @binding(1) var<storage, read> dv: array<Item>;
@group(0) @binding(2) var<storage, read_write> dkv: array<Item>;
@group(0) @binding(3) var<storage, read_write> dk_rope: array<Item>;
@group(0) @binding(4) var<uniform> u: Uniforms;

@compute @workgroup_size(64)
fn mla_kv_bwd(@builtin(workgroup_id) wg: vec3u, @builtin(num_workgroups) num: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = (wg.y * num.x + wg.x) * 64 + lane;
  if (i >= u.N) { return; }
  let D = u.nope + u.R;
  let width = u.nope + u.Dv;
  let t = i / (u.heads * width + u.R);
  let c = i - t * (u.heads * width + u.R);
  if (c >= u.heads * width) {
    let r = c - u.heads * width;
    var sum = Item(0.0);
    for (var h = 0u; h < u.heads; h++) { sum += dk[(t * u.heads + h) * D + u.nope + r]; }
    dk_rope[t * u.R + r] = sum;
    return;
  }
  let h = c / width;
  let d = c - h * width;
  let head = t * u.heads + h;
  if (d < u.nope) {
    dkv[t * u.heads * width + c] = dk[head * D + d];
  } else {
    dkv[t * u.heads * width + c] = dv[head * u.Dv + d - u.nope];
  }
}
