// moe_group_scores: group_score[g, t] = sum of the two largest choice[e, t] of the experts of group g: a step of moe_gate.
//   choice       [E, T]  f32  scratch, in
//   group_score  [G, T]  f32  scratch, out
// grid      (ceil(G * T / 64), 1, 1)   beyond 65,535 also y
// block     (64, 1, 1)
// smem      0 bytes
// source    deepseek-v3.md §1.4; reference in src/ops/moe_gate.ts

struct Uniforms { T: u32, E: u32, groups: u32 }

@group(0) @binding(0) var<storage, read> choice: array<f32>;
@group(0) @binding(1) var<storage, read_write> group_score: array<f32>;
@group(0) @binding(2) var<uniform> u: Uniforms;

const largest = 3.4028234663852886e38;

@compute @workgroup_size(64)
fn moe_group_scores(@builtin(workgroup_id) wg: vec3u, @builtin(num_workgroups) num: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = (wg.y * num.x + wg.x) * 64 + lane;
  if (i >= u.T * u.groups) { return; }
  let g = i / u.T;
  let t = i - g * u.T;
  let size = u.E / u.groups;
  var first = choice[g * size * u.T + t];
  var second = -largest;
  if (size == 1) { second = 0.0; }
  for (var e = g * size + 1; e < (g + 1) * size; e++) {
    let c = choice[e * u.T + t];
    second = max(second, min(first, c));
    first = max(first, c);
  }
  // Halves first: the sum of two of the largest numbers must not become infinite.
  group_score[i] = clamp(first * 0.5 + second * 0.5, -largest * 0.5, largest * 0.5) * 2.0;
}
