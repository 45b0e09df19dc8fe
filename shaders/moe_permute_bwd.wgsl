// moe_permute_bwd: dx[t] = sum over j of dxp[slot_row[t * topk + j]], slots of row -1 left out.
//   dxp       [P, H]      f32  in
//   slot_row  [T * topk]  i32  in
//   dx        [T, H]      f32  out
// grid      (ceil(T * H / 256), 1, 1)   beyond 65,535 also y
// block     (256, 1, 1)                one item per invocation: neighbours read neighbours
// smem      0 bytes
// source    derivative of moe_permute; reference in src/ops/moe_permute_bwd.ts

// One element, or four where the launch can (items.ts); H counts items.
alias Item = f32;

struct Uniforms { T: u32, H: u32, topk: u32 }

@group(0) @binding(0) var<storage, read> dxp: array<Item>;
@group(0) @binding(1) var<storage, read> slot_row: array<i32>;
@group(0) @binding(2) var<storage, read_write> dx: array<Item>;
@group(0) @binding(3) var<uniform> u: Uniforms;

@compute @workgroup_size(256)
fn moe_permute_bwd(@builtin(workgroup_id) wg: vec3u, @builtin(num_workgroups) num: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = (wg.y * num.x + wg.x) * 256 + lane;
  if (i >= u.T * u.H) { return; }
  let t = i / u.H;
  let h = i - t * u.H;
  var sum = Item(0.0);
  for (var slot = t * u.topk; slot < (t + 1) * u.topk; slot++) {
    let row = slot_row[slot];
    if (row >= 0) { sum += dxp[u32(row) * u.H + h]; }
  }
  dx[i] = sum;
}
