// moe_scores: scores = sigmoid(logits), choice = transpose(scores + bias): the first step of moe_gate.
//   logits  [T, E]  f32  in
//   bias    [E]     f32  in
//   scores  [T, E]  f32  out
//   choice  [E, T]  f32  scratch, out, always finite: neighbouring invocations of the next steps handle neighbouring tokens
// grid      (ceil(T * E / 64), 1, 1)   beyond 65,535 also y
// block     (64, 1, 1)
// smem      0 bytes
// source    deepseek-v3.md §1.4; reference in src/ops/moe_gate.ts

struct Uniforms { T: u32, E: u32 }

@group(0) @binding(0) var<storage, read> logits: array<f32>;
@group(0) @binding(1) var<storage, read> bias: array<f32>;
@group(0) @binding(2) var<storage, read_write> scores: array<f32>;
@group(0) @binding(3) var<storage, read_write> choice: array<f32>;
@group(0) @binding(4) var<uniform> u: Uniforms;

const largest = 3.4028234663852886e38;

@compute @workgroup_size(64)
fn moe_scores(@builtin(workgroup_id) wg: vec3u, @builtin(num_workgroups) num: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = (wg.y * num.x + wg.x) * 64 + lane;
  if (i >= u.T * u.E) { return; }
  let t = i / u.E;
  let e = i - t * u.E;
  let x = logits[i];
  // exp of a number that is not positive cannot overflow.
  let p = exp(-abs(x));
  let q = 1.0 / (1.0 + p);
  var s = q;
  if (x < 0.0) { s = p * q; }
  let isNan = (bitcast<u32>(x) & 0x7fffffff) > 0x7f800000;
  if (isNan) { s = x; }
  scores[i] = s;

  var c = s + bias[e];
  let bits = bitcast<u32>(c);
  if (isNan || (bits & 0x7fffffff) > 0x7f800000) { c = -largest; }
  if (bits == 0x7f800000) { c = largest; }
  if (bits == 0xff800000) { c = -largest; }
  choice[e * u.T + t] = c;
}
