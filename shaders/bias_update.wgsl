// bias_update: bias += gamma * sign(mean(load) - load).
//   bias  [E]  f32  inout
//   load  [E]  i32  in, not negative, of sum below 2^32
// grid      (ceil(E / 64), 1, 1)
// block     (64, 1, 1)
// smem      0 bytes
// source    deepseek-v3.md §1.4; reference in src/ops/bias_update.ts

struct Uniforms { E: u32, gamma: f32 }

@group(0) @binding(0) var<storage, read_write> bias: array<f32>;
@group(0) @binding(1) var<storage, read> load: array<i32>;
@group(0) @binding(2) var<uniform> u: Uniforms;

@compute @workgroup_size(64)
fn bias_update(@builtin(global_invocation_id) id: vec3u) {
  let e = id.x;
  if (e >= u.E) { return; }
  var total = 0u;
  for (var i = 0u; i < u.E; i++) { total += u32(load[i]); }
  // mean = whole + rest / E, compared in integers: no rounding can turn the sign.
  let whole = total / u.E;
  let rest = total - whole * u.E;
  let own = u32(load[e]);
  var change = 0.0;
  if (own > whole) { change = -u.gamma; }
  if (own < whole || (own == whole && rest > 0)) { change = u.gamma; }
  bias[e] += change;
}
