// rms_norm_bwd_w: dw[h] = sum over t of dy[t, h] * x[t, h] * rstd[t], in two passes over blocks of 64 rows.
//   dy       [T, H]            f32  in
//   x        [T, H]            f32  in
//   rstd     [T]               f32  in
//   partial  [ceil(T / 64), H] f32  scratch, out of pass one
//   dw       [H]               f32  out
// grid      pass one (ceil(H / 64), ceil(T / 64), 1), pass two (ceil(H / 64), 1, 1)
// block     (64, 1, 1)             one item of columns per invocation: neighbours read neighbours
// smem      0 bytes
// source    derivative of rms_norm; reference in src/ops/rms_norm_bwd_w.ts

// One element, or four where the launch can (items.ts); H counts items.
alias Item = f32;

struct Uniforms { T: u32, H: u32 }

@group(0) @binding(0) var<storage, read> dy: array<Item>;
@group(0) @binding(1) var<storage, read> x: array<Item>;
@group(0) @binding(2) var<storage, read> rstd: array<f32>;
@group(0) @binding(3) var<storage, read_write> partial: array<Item>;
@group(0) @binding(4) var<uniform> u: Uniforms;

@compute @workgroup_size(64)
fn rms_norm_bwd_w(@builtin(global_invocation_id) id: vec3u) {
  let h = id.x;
  if (h >= u.H) { return; }
  // Blocks beyond 65,535 workgroups in y are reached by striding.
  let blocks = (u.T + 63) / 64;
  for (var b = id.y; b < blocks; b += 65535) {
    var sum = Item(0.0);
    let end = min(b * 64 + 64, u.T);
    for (var t = b * 64; t < end; t++) { sum += dy[t * u.H + h] * x[t * u.H + h] * rstd[t]; }
    partial[b * u.H + h] = sum;
  }
}
