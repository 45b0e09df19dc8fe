// moe_plan: row_slot[offsets[e] + i] = order[sorted[e] + i] for the i-th slot of expert e, else -1; slot_row is its inverse.
//   topk_indices  [T, topk]  i32  in, for sort_by_key; N = T * topk
//   order         [N]        i32  scratch, out of sort_by_key: slots in order of experts; those of no expert come last
//   sorted        [E + 1]    i32  scratch, out of sort_by_key: where each expert begins in order
//   offsets       [E + 1]    i32  out of moe_offsets: where each expert begins in the permuted rows
//   slot_row      [N]        i32  out
//   row_slot      [P]        i32  out, P >= N
//   counts        [E]        i32  out of moe_offsets
// grid      (ceil(P / 64), 1, 1)   one row per invocation; beyond 65,535 also y
// block     (64, 1, 1)
// smem      0 bytes
// source    reference in src/ops/moe_plan.ts

struct Uniforms { N: u32, P: u32, E: u32 }

@group(0) @binding(0) var<storage, read> order: array<i32>;
@group(0) @binding(1) var<storage, read> sorted: array<i32>;
@group(0) @binding(2) var<storage, read> offsets: array<i32>;
@group(0) @binding(3) var<storage, read_write> slot_row: array<i32>;
@group(0) @binding(4) var<storage, read_write> row_slot: array<i32>;
@group(0) @binding(5) var<uniform> u: Uniforms;

@compute @workgroup_size(64)
fn moe_plan(@builtin(workgroup_id) wg: vec3u, @builtin(num_workgroups) num: vec3u, @builtin(local_invocation_index) lane: u32) {
  let r = (wg.y * num.x + wg.x) * 64 + lane;
  if (r >= u.P) { return; }

  // Phase 1: slots of no expert.
  if (r < u.N && i32(r) >= sorted[u.E]) { slot_row[u32(order[r])] = -1; }

  // Phase 2: the last expert whose segment begins at or before this row, by bisection.
  var low = 0u;
  var high = u.E;
  while (high - low > 1) {
    let middle = (low + high) / 2;
    if (offsets[middle] <= i32(r)) { low = middle; } else { high = middle; }
  }
  let at = sorted[low] + i32(r) - offsets[low];
  var slot = -1;
  if (at < sorted[low + 1]) {
    slot = order[u32(at)];
    slot_row[u32(slot)] = i32(r);
  }
  row_slot[r] = slot;
}
