// balance_counts: counts[b, e] = how often sequence b chose expert e: a step of balance_loss.
//   topk_indices  [T, topk]  i32  in
//   counts        [B, E]     u32  scratch, inout, zero before
// grid      (ceil(T * topk / 64), 1, 1)   beyond 65,535 also y
// block     (64, 1, 1)
// smem      0 bytes
// source    integer atomics: any order gives the same bits; reference in src/ops/balance_loss.ts

struct Uniforms { slots: u32, E: u32, slotsPerSequence: u32 }

@group(0) @binding(0) var<storage, read> topk_indices: array<i32>;
@group(0) @binding(1) var<storage, read_write> counts: array<atomic<u32>>;
@group(0) @binding(2) var<uniform> u: Uniforms;

@compute @workgroup_size(64)
fn balance_counts(@builtin(workgroup_id) wg: vec3u, @builtin(num_workgroups) num: vec3u, @builtin(local_invocation_index) lane: u32) {
  let slot = (wg.y * num.x + wg.x) * 64 + lane;
  if (slot >= u.slots) { return; }
  let e = u32(topk_indices[slot]);
  if (e < u.E) { atomicAdd(&counts[slot / u.slotsPerSequence * u.E + e], 1u); }
}
