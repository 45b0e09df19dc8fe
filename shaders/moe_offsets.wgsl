// moe_offsets: counts[e] = sorted[e + 1] - sorted[e]; offsets[e] = sum over i < e of counts[i] rounded up to rowAlign.
//   sorted   [E + 1]  i32  scratch, in: offsets of sort_by_key
//   offsets  [E + 1]  i32  out
//   counts   [E]      i32  out
// grid      (ceil((E + 1) / 64), 1, 1)
// block     (64, 1, 1)
// smem      0 bytes
// source    reference in src/ops/moe_plan.ts

struct Uniforms { E: u32, rowAlign: i32 }

@group(0) @binding(0) var<storage, read> sorted: array<i32>;
@group(0) @binding(1) var<storage, read_write> offsets: array<i32>;
@group(0) @binding(2) var<storage, read_write> counts: array<i32>;
@group(0) @binding(3) var<uniform> u: Uniforms;

@compute @workgroup_size(64)
fn moe_offsets(@builtin(global_invocation_id) id: vec3u) {
  let e = id.x;
  if (e > u.E) { return; }
  var sum = 0;
  for (var i = 0u; i < e; i++) { sum += (sorted[i + 1] - sorted[i] + u.rowAlign - 1) / u.rowAlign * u.rowAlign; }
  offsets[e] = sum;
  if (e < u.E) { counts[e] = sorted[e + 1] - sorted[e]; }
}
