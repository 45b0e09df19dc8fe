// clip_coefficient: norm = sqrt(acc); coef = min(1, maxNorm / (norm + 1e-6)), 1 when maxNorm <= 0, 0 when norm is not finite.
//   acc   [1]  f32  in
//   coef  [1]  f32  out
//   norm  [1]  f32  out
// grid      (1, 1, 1)
// block     (1, 1, 1)
// smem      0 bytes
// source    torch.nn.utils.clip_grad_norm_; reference in src/ops/clip_coefficient.ts

struct Uniforms { maxNorm: f32 }

@group(0) @binding(0) var<storage, read> acc: array<f32>;
@group(0) @binding(1) var<storage, read_write> coef: array<f32>;
@group(0) @binding(2) var<storage, read_write> norm: array<f32>;
@group(0) @binding(3) var<uniform> u: Uniforms;

@compute @workgroup_size(1)
fn clip_coefficient() {
  // Infinities and NaN by their bits, moved as integers: WGSL may assume that floats are finite.
  let finite = (bitcast<u32>(acc[0]) & 0x7f800000u) != 0x7f800000u;
  if (!finite) {
    norm[0] = acc[0];
    coef[0] = 0.0;
    return;
  }
  let n = sqrt(acc[0]);
  norm[0] = n;
  coef[0] = select(1.0, min(1.0, u.maxNorm / (n + 1e-6)), u.maxNorm > 0.0);
}
