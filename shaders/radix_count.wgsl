// radix_count: hist[d, b] = number of keys in block b whose digit is d: the first half of a pass of sort_by_key.
//   keys   [N]               i32  in
//   order  [N]               u32  in, scratch: what the pass before made (unused in the first)
//   hist   [D, ceil(N / B)]  u32  scratch, out
// grid      (ceil(N / B / 64), 1, 1)   one block of B keys per invocation
// block     (64, 1, 1)
// smem      0 bytes
// source    reference in src/ops/sort_by_key.ts

struct Uniforms { N: u32, numKeys: u32, blocks: u32, blockKeys: u32, digits: u32, shift: u32, first: u32 }

@group(0) @binding(0) var<storage, read> keys: array<i32>;
@group(0) @binding(1) var<storage, read> order: array<u32>;
@group(0) @binding(2) var<storage, read_write> hist: array<u32>;
@group(0) @binding(3) var<uniform> u: Uniforms;

@compute @workgroup_size(64)
fn radix_count(@builtin(workgroup_id) wg: vec3u, @builtin(num_workgroups) num: vec3u, @builtin(local_invocation_index) lane: u32) {
  let b = (wg.y * num.x + wg.x) * 64 + lane;
  if (b >= u.blocks) { return; }
  for (var d = 0u; d < u.digits; d++) { hist[d * u.blocks + b] = 0; }
  let end = min((b + 1) * u.blockKeys, u.N);
  for (var i = b * u.blockKeys; i < end; i++) {
    var slot = i;
    if (u.first == 0) { slot = order[i]; }
    // As unsigned numbers negative keys are large: all keys outside share the digit after the last key.
    let key = min(u32(keys[slot]), u.numKeys);
    hist[((key >> u.shift) & 255) * u.blocks + b] += 1;
  }
}
