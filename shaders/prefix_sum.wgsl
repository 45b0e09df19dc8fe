// prefix_sum: x[i] = sum over j < i of x[j], in place, for integers. Not an op of its own.
//   sums  [ceil(N / C)]  u32  scratch, out of pass one, inout of pass two, in of pass three
//   x     [N]            u32  inout
// grid      (ceil(N / C / 64), 1, 1), (1, 1, 1), (ceil(N / C / 64), 1, 1)   C entries per invocation; short x: pass two alone, on x
// block     (64, 1, 1), (1, 1, 1), (64, 1, 1)
// smem      0 bytes
// source    integers: any order gives the same bits

struct Uniforms { N: u32, C: u32 }

@group(0) @binding(0) var<storage, read_write> sums: array<u32>;
@group(0) @binding(1) var<storage, read_write> x: array<u32>;
@group(0) @binding(2) var<uniform> u: Uniforms;

// Pass one: sums[c] = sum of chunk c.
@compute @workgroup_size(64)
fn prefix_sum_chunks(@builtin(workgroup_id) wg: vec3u, @builtin(num_workgroups) num: vec3u, @builtin(local_invocation_index) lane: u32) {
  let start = ((wg.y * num.x + wg.x) * 64 + lane) * u.C;
  if (start >= u.N) { return; }
  let end = min(start + u.C, u.N);
  var sum = 0u;
  for (var i = start; i < end; i++) { sum += x[i]; }
  sums[start / u.C] = sum;
}

// Pass three: x within chunk c, beginning at sums[c].
@compute @workgroup_size(64)
fn prefix_sum(@builtin(workgroup_id) wg: vec3u, @builtin(num_workgroups) num: vec3u, @builtin(local_invocation_index) lane: u32) {
  let start = ((wg.y * num.x + wg.x) * 64 + lane) * u.C;
  if (start >= u.N) { return; }
  let end = min(start + u.C, u.N);
  var sum = sums[start / u.C];
  for (var i = start; i < end; i++) {
    let value = x[i];
    x[i] = sum;
    sum += value;
  }
}
