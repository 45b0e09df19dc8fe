// swiglu: y = gate / (1 + exp(-gate)) * up, h = [gate; up], one item of y per invocation.
//   h  [T, 2F]  f32  in
//   y  [T, F]   f32  out
// grid      (ceil(T * F / 64), 1, 1)   beyond 65,535 also y
// block     (64, 1, 1)
// smem      0 bytes
// source    deepseek-v3.md §1.2; reference in src/ops/swiglu.ts

// One element, or four where the launch can (items.ts); N and the widths count items.
alias Item = f32;

struct Uniforms { N: u32, F: u32 }

@group(0) @binding(0) var<storage, read> h: array<Item>;
@group(0) @binding(1) var<storage, read_write> y: array<Item>;
@group(0) @binding(2) var<uniform> u: Uniforms;

@compute @workgroup_size(64)
fn swiglu(@builtin(workgroup_id) wg: vec3u, @builtin(num_workgroups) num: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = (wg.y * num.x + wg.x) * 64 + lane;
  if (i >= u.N) { return; }
  // Row t of h starts at 2 t F, row t of y at t F.
  let at = i + i / u.F * u.F;
  let gate = h[at];
  // exp of at most 80: the quotient is as good as zero there, and the sum stays finite.
  let s = 1.0 / (1.0 + exp(min(-gate, Item(80.0))));
  y[i] = gate * s * h[at + u.F];
}
