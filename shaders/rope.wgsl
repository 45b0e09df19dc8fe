// rope: pairs (a, b) of the last R dims become (a cos - b sin, a sin + b cos), the rest passes; one element of y per invocation
// (rope_wide, for D and R multiples of 4: a head of a token, bound as x4, cos2, sin2 and y4).
//   x    [T, n, D]   f32  in
//   cos  [S, R / 2]  f32  in
//   sin  [S, R / 2]  f32  in
//   y    [T, n, D]   f32  out
// grid      (ceil(T * n * D / 64), 1, 1), rope_wide (ceil(T * n / 64), 1, 1)   beyond 65,535 also y
// block     (64, 1, 1)
// smem      0 bytes
// source    deepseek-v3.md §1.2; reference in src/ops/rope.ts

struct Uniforms { N: u32, heads: u32, D: u32, S: u32, half: u32, position: u32, sign: f32 }

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> cos: array<f32>;
@group(0) @binding(2) var<storage, read> sin: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
@group(0) @binding(4) var<uniform> u: Uniforms;

@compute @workgroup_size(64)
fn rope(@builtin(workgroup_id) wg: vec3u, @builtin(num_workgroups) num: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = (wg.y * num.x + wg.x) * 64 + lane;
  if (i >= u.N) { return; }
  let row = i / u.D;
  let d = i - row * u.D;
  let passed = u.D - 2 * u.half;
  if (d < passed) {
    y[i] = x[i];
    return;
  }
  let j = d - passed;
  let odd = j & 1u;
  let at = (u.position + row / u.heads) % u.S * u.half + (j >> 1);
  // Even: a cos - b sin with b to the right; odd: b cos + a sin with a to the left.
  let other = x[i + 1 - 2 * odd];
  let s = sin[at] * u.sign;
  y[i] = x[i] * cos[at] + other * select(-s, s, odd == 1);
}

@group(0) @binding(0) var<storage, read> x4: array<vec4f>;
@group(0) @binding(1) var<storage, read> cos2: array<vec2f>;
@group(0) @binding(2) var<storage, read> sin2: array<vec2f>;
@group(0) @binding(3) var<storage, read_write> y4: array<vec4f>;

// N counts heads of tokens, D and half items: four dims of x, two angles. A software adapter runs every branch that its four
// lanes differ in, so there is none.
@compute @workgroup_size(64)
fn rope_wide(@builtin(workgroup_id) wg: vec3u, @builtin(num_workgroups) num: vec3u, @builtin(local_invocation_index) lane: u32) {
  let row = (wg.y * num.x + wg.x) * 64 + lane;
  if (row >= u.N) { return; }
  let passed = u.D - u.half;
  let start = row * u.D;
  for (var d = 0u; d < passed; d++) { y4[start + d] = x4[start + d]; }
  let angle = (u.position + row / u.heads) % u.S * u.half;
  for (var j = 0u; j < u.half; j++) {
    let a = x4[start + passed + j];
    let c = cos2[angle + j].xxyy;
    let s = (sin2[angle + j] * u.sign).xxyy;
    y4[start + passed + j] = a * c + vec4f(-a.y, a.x, -a.w, a.z) * s;
  }
}
