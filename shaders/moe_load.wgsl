// moe_load: load += counts.
//   counts  [E]  i32  in
//   load    [E]  i32  inout
// grid      (ceil(E / 64), 1, 1)
// block     (64, 1, 1)
// smem      0 bytes
// source    reference in src/ops/moe_load.ts

struct Uniforms { E: u32 }

@group(0) @binding(0) var<storage, read> counts: array<i32>;
@group(0) @binding(1) var<storage, read_write> load: array<i32>;
@group(0) @binding(2) var<uniform> u: Uniforms;

@compute @workgroup_size(64)
fn moe_load(@builtin(global_invocation_id) id: vec3u) {
  let e = id.x;
  if (e < u.E) { load[e] += counts[e]; }
}
