// moe_unpermute_bwd: dyp[r] = topk_weights[s] * dy[s / topk] with s = row_slot[r], zeros where s is -1.
//   dy            [T, H]      f32  in
//   yp            [P, H]      f32  in, for moe_unpermute_bwd_w
//   topk_weights  [T, topk]   f32  in
//   slot_row      [T * topk]  i32  in, for moe_unpermute_bwd_w
//   row_slot      [P]         i32  in
//   dyp           [P, H]      f32  out
//   dw            [T, topk]   f32  out of moe_unpermute_bwd_w
// grid      (ceil(P * H / 256), 1, 1)   beyond 65,535 also y
// block     (256, 1, 1)                one item per invocation: neighbours read neighbours
// smem      0 bytes
// source    derivative of moe_unpermute; reference in src/ops/moe_unpermute_bwd.ts

// One element, or four where the launch can (items.ts); H counts items.
alias Item = f32;

struct Uniforms { P: u32, H: u32, topk: u32 }

@group(0) @binding(0) var<storage, read> dy: array<Item>;
@group(0) @binding(1) var<storage, read> topk_weights: array<f32>;
@group(0) @binding(2) var<storage, read> row_slot: array<i32>;
@group(0) @binding(3) var<storage, read_write> dyp: array<Item>;
@group(0) @binding(4) var<uniform> u: Uniforms;

@compute @workgroup_size(256)
fn moe_unpermute_bwd(@builtin(workgroup_id) wg: vec3u, @builtin(num_workgroups) num: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = (wg.y * num.x + wg.x) * 256 + lane;
  if (i >= u.P * u.H) { return; }
  let r = i / u.H;
  let h = i - r * u.H;
  let slot = row_slot[r];
  var value = Item(0.0);
  if (slot >= 0) { value = topk_weights[u32(slot)] * dy[u32(slot) / u.topk * u.H + h]; }
  dyp[i] = value;
}
