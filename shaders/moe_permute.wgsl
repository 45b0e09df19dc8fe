// moe_permute: xp[r] = x[row_slot[r] / topk], a row of zeros where row_slot is -1.
//   x         [T, H]      f32  in
//   row_slot  [P]         i32  in
//   slot_row  [T * topk]  i32  in, for backward only
//   xp        [P, H]      f32  out
// grid      (ceil(P * H / 256), 1, 1)   beyond 65,535 also y
// block     (256, 1, 1)                one item per invocation: neighbours read neighbours
// smem      0 bytes
// source    reference in src/ops/moe_permute.ts

// One element, or four where the launch can (items.ts); H counts items.
alias Item = f32;

struct Uniforms { P: u32, H: u32, topk: u32 }

@group(0) @binding(0) var<storage, read> x: array<Item>;
@group(0) @binding(1) var<storage, read> row_slot: array<i32>;
@group(0) @binding(2) var<storage, read_write> xp: array<Item>;
@group(0) @binding(3) var<uniform> u: Uniforms;

@compute @workgroup_size(256)
fn moe_permute(@builtin(workgroup_id) wg: vec3u, @builtin(num_workgroups) num: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = (wg.y * num.x + wg.x) * 256 + lane;
  if (i >= u.P * u.H) { return; }
  let r = i / u.H;
  let h = i - r * u.H;
  let slot = row_slot[r];
  var value = Item(0.0);
  if (slot >= 0) { value = x[u32(slot) / u.topk * u.H + h]; }
  xp[i] = value;
}
