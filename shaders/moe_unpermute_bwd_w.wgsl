// moe_unpermute_bwd_w: partial[s, i] = sum over h = i, i + 16, ... of dy[s / topk, h] * yp[slot_row[s], h]; dw[s] = sum over i.
//   dy        [T, H]          f32  in
//   yp        [P, H]          f32  in
//   slot_row  [T * topk]      i32  in
//   partial   [T * topk, 16]  f32  scratch, out of pass one
//   dw        [T, topk]       f32  out of pass two (sum_columns)
// grid      (ceil(T * topk * 16 / 64), 1, 1)   beyond 65,535 also y
// block     (64, 1, 1)                         one item of partial per invocation: neighbours read neighbours
// smem      0 bytes
// source    derivative of moe_unpermute; reference in src/ops/moe_unpermute_bwd.ts

// One element, or four where the launch can (items.ts); H and columns count items: a slot has 16 elements of partial either way.
alias Item = f32;

struct Uniforms { slots: u32, H: u32, topk: u32, columns: u32 }

@group(0) @binding(0) var<storage, read> dy: array<Item>;
@group(0) @binding(1) var<storage, read> yp: array<Item>;
@group(0) @binding(2) var<storage, read> slot_row: array<i32>;
@group(0) @binding(3) var<storage, read_write> partial: array<Item>;
@group(0) @binding(4) var<uniform> u: Uniforms;

@compute @workgroup_size(64)
fn moe_unpermute_bwd_w(@builtin(workgroup_id) wg: vec3u, @builtin(num_workgroups) num: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = (wg.y * num.x + wg.x) * 64 + lane;
  if (i >= u.slots * u.columns) { return; }
  let slot = i / u.columns;
  let row = slot_row[slot];
  var sum = Item(0.0);
  if (row >= 0) {
    let a = slot / u.topk * u.H;
    let b = u32(row) * u.H;
    for (var h = i - slot * u.columns; h < u.H; h += u.columns) { sum += dy[a + h] * yp[b + h]; }
  }
  partial[i] = sum;
}
