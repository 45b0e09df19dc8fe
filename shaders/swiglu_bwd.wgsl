// swiglu_bwd: dh = [dy * up * s * (1 + gate * (1 - s)); dy * gate * s], s = 1 / (1 + exp(-gate)), one item of dy per invocation.
//   dy  [T, F]   f32  in
//   h   [T, 2F]  f32  in
//   dh  [T, 2F]  f32  out
// grid      (ceil(T * F / 64), 1, 1)   beyond 65,535 also y
// block     (64, 1, 1)
// smem      0 bytes
// source    derivative of swiglu; reference in src/ops/swiglu_bwd.ts

// One element, or four where the launch can (items.ts); N and the widths count items.
alias Item = f32;

struct Uniforms { N: u32, F: u32 }

@group(0) @binding(0) var<storage, read> dy: array<Item>;
@group(0) @binding(1) var<storage, read> h: array<Item>;
@group(0) @binding(2) var<storage, read_write> dh: array<Item>;
@group(0) @binding(3) var<uniform> u: Uniforms;

@compute @workgroup_size(64)
fn swiglu_bwd(@builtin(workgroup_id) wg: vec3u, @builtin(num_workgroups) num: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = (wg.y * num.x + wg.x) * 64 + lane;
  if (i >= u.N) { return; }
  let at = i + i / u.F * u.F;
  let gate = h[at];
  let up = h[at + u.F];
  let d = dy[i];
  // As in swiglu.wgsl; 1 - s is formed without cancellation.
  let e = exp(min(-gate, Item(80.0)));
  let s = 1.0 / (1.0 + e);
  dh[at] = d * up * s * (1.0 + gate * (e * s));
  dh[at + u.F] = d * gate * s;
}
