// key_count: counts[k] = number of keys equal to k, for k < numKeys: with a prefix sum, the offsets of many keys.
//   keys    [N]            i32  in
//   counts  [numKeys + 1]  u32  inout, zero before
// grid      (ceil(N / 64), 1, 1)   beyond 65,535 also y
// block     (64, 1, 1)
// smem      0 bytes
// source    integer atomics: any order gives the same bits; reference in src/ops/sort_by_key.ts

struct Uniforms { N: u32, numKeys: u32 }

@group(0) @binding(0) var<storage, read> keys: array<i32>;
@group(0) @binding(1) var<storage, read_write> counts: array<atomic<u32>>;
@group(0) @binding(2) var<uniform> u: Uniforms;

@compute @workgroup_size(64)
fn key_count(@builtin(workgroup_id) wg: vec3u, @builtin(num_workgroups) num: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = (wg.y * num.x + wg.x) * 64 + lane;
  if (i >= u.N) { return; }
  let key = u32(keys[i]);
  if (key < u.numKeys) { atomicAdd(&counts[key], 1u); }
}
