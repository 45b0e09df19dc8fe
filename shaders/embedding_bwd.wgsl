// embedding_bwd: dw[v] = sum of dy[order[i]] over offsets[v] <= i < offsets[v + 1].
//   dy       [T, H]   f32  in
//   order    [T]      i32  in
//   offsets  [V + 1]  i32  in
//   dw       [V, H]   f32  out
// grid      (ceil(V * H / 256), 1, 1)   beyond 65,535 also y
// block     (256, 1, 1)                one element per invocation: neighbours read neighbours
// smem      0 bytes
// source    derivative of embedding; reference in src/ops/embedding_bwd.ts

struct Uniforms { H: u32, V: u32 }

@group(0) @binding(0) var<storage, read> dy: array<f32>;
@group(0) @binding(1) var<storage, read> order: array<i32>;
@group(0) @binding(2) var<storage, read> offsets: array<i32>;
@group(0) @binding(3) var<storage, read_write> dw: array<f32>;
@group(0) @binding(4) var<uniform> u: Uniforms;

@compute @workgroup_size(256)
fn embedding_bwd(@builtin(workgroup_id) wg: vec3u, @builtin(num_workgroups) num: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = (wg.y * num.x + wg.x) * 256 + lane;
  if (i >= u.V * u.H) { return; }
  let v = i / u.H;
  let h = i - v * u.H;
  let end = u32(offsets[v + 1]);
  // In blocks of 64, so that the float32 error grows with n / 64 + 64, not with n.
  var total = 0.0;
  for (var start = u32(offsets[v]); start < end; start += 64) {
    var sum = 0.0;
    let stop = min(start + 64, end);
    for (var n = start; n < stop; n++) { sum += dy[u32(order[n]) * u.H + h]; }
    total += sum;
  }
  dw[i] = total;
}
