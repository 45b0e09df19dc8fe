// sort_by_key: next[place[d, b] + how many of digit d stand before i in block b] = order[i]: the second half of a pass.
//   keys     [N]               i32  in
//   order    [N]               u32  in, scratch: what the pass before made (unused in the first); out of the last as next
//   place    [D, ceil(N / B)]  u32  scratch, inout: the prefix sum of radix_count's counts; then where each digit of a block ends
//   next     [N]               u32  out
//   offsets  [numKeys + 1]     i32  out of sort_offsets (one pass) or key_count and prefix_sum (many keys)
// grid      (ceil(N / B / 64), 1, 1)   one block of B keys per invocation, in order: the sort is stable
// block     (64, 1, 1)
// smem      0 bytes
// source    reference in src/ops/sort_by_key.ts

struct Uniforms { N: u32, numKeys: u32, blocks: u32, blockKeys: u32, digits: u32, shift: u32, first: u32 }

@group(0) @binding(0) var<storage, read> keys: array<i32>;
@group(0) @binding(1) var<storage, read> order: array<u32>;
@group(0) @binding(2) var<storage, read_write> place: array<u32>;
@group(0) @binding(3) var<storage, read_write> next: array<u32>;
@group(0) @binding(4) var<uniform> u: Uniforms;

@compute @workgroup_size(64)
fn sort_by_key(@builtin(workgroup_id) wg: vec3u, @builtin(num_workgroups) num: vec3u, @builtin(local_invocation_index) lane: u32) {
  let b = (wg.y * num.x + wg.x) * 64 + lane;
  if (b >= u.blocks) { return; }
  let end = min((b + 1) * u.blockKeys, u.N);
  for (var i = b * u.blockKeys; i < end; i++) {
    var slot = i;
    if (u.first == 0) { slot = order[i]; }
    let at = ((min(u32(keys[slot]), u.numKeys) >> u.shift) & 255) * u.blocks + b;
    let to = place[at];
    next[to] = slot;
    place[at] = to + 1;
  }
}
