// sort_offsets: offsets[k] = number of keys below k, when one pass of sort_by_key did: where digit k - 1 of the last block ends.
//   place    [numKeys + 1, blocks]  u32  scratch, in: as sort_by_key's only pass left it
//   offsets  [numKeys + 1]          i32  out
// grid      (ceil((numKeys + 1) / 64), 1, 1)
// block     (64, 1, 1)
// smem      0 bytes
// source    reference in src/ops/sort_by_key.ts

struct Uniforms { numKeys: u32, blocks: u32 }

@group(0) @binding(0) var<storage, read> place: array<u32>;
@group(0) @binding(1) var<storage, read_write> offsets: array<i32>;
@group(0) @binding(2) var<uniform> u: Uniforms;

@compute @workgroup_size(64)
fn sort_offsets(@builtin(global_invocation_id) id: vec3u) {
  let k = id.x;
  if (k > u.numKeys) { return; }
  if (k == 0) { offsets[0] = 0; return; }
  offsets[k] = i32(place[k * u.blocks - 1]);
}
