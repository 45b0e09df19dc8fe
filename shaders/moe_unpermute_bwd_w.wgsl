// moe_unpermute_bwd_w: partial[s, i] = sum over h = i, i + 16, ... of dy[s / topk, h] * yp[slot_row[s], h]; dw[s] = sum over i.
//   dy        [T, H]          f32  in
//   yp        [P, H]          f32  in
//   slot_row  [T * topk]      i32  in
//   partial   [T * topk, 16]  f32  scratch, out of pass one
//   dw        [T, topk]       f32  out of pass two (sum_columns)
// grid      (ceil(T * topk / 4), 1, 1)   beyond 65,535 also y
// block     (64, 1, 1)                   4 slots, 16 neighbouring columns each: neighbours read neighbours
// smem      0 bytes
// source    derivative of moe_unpermute; reference in src/ops/moe_unpermute_bwd.ts

struct Uniforms { slots: u32, H: u32, topk: u32 }

@group(0) @binding(0) var<storage, read> dy: array<f32>;
@group(0) @binding(1) var<storage, read> yp: array<f32>;
@group(0) @binding(2) var<storage, read> slot_row: array<i32>;
@group(0) @binding(3) var<storage, read_write> partial: array<f32>;
@group(0) @binding(4) var<uniform> u: Uniforms;

@compute @workgroup_size(64)
fn moe_unpermute_bwd_w(@builtin(workgroup_id) wg: vec3u, @builtin(num_workgroups) num: vec3u, @builtin(local_invocation_index) lane: u32) {
  let slot = (wg.y * num.x + wg.x) * 4 + lane / 16;
  if (slot >= u.slots) { return; }
  let row = slot_row[slot];
  var sum = 0.0;
  if (row >= 0) {
    let a = slot / u.topk * u.H;
    let b = u32(row) * u.H;
    for (var h = lane & 15; h < u.H; h += 16) { sum += dy[a + h] * yp[b + h]; }
  }
  partial[slot * 16 + (lane & 15)] = sum;
}
