// sum_all: y = keep * y + scale * sum of x: the last pass of full reductions. Not an op of its own.
//   x  [N]  f32  in
//   y  [1]  f32  in, out
// grid      (1, 1, 1)
// block     (64, 1, 1)   each invocation sums every 64th element, the first then sums those 64
// smem      256 bytes
// source    fixed order: the same bits every time

struct Uniforms { N: u32, scale: f32, keep: u32 }

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<uniform> u: Uniforms;

var<workgroup> sums: array<f32, 64>;

@compute @workgroup_size(64)
fn sum_all(@builtin(local_invocation_index) lane: u32) {
  // In chunks of 64 terms, so that the float32 error grows with the number of chunks.
  var total = 0.0;
  for (var c = lane; c < u.N; c += 4096) {
    var sum = 0.0;
    let end = min(c + 4096, u.N);
    for (var i = c; i < end; i += 64) { sum += x[i]; }
    total += sum;
  }
  sums[lane] = total;
  workgroupBarrier();
  if (lane == 0) {
    var sum = 0.0;
    for (var i = 0u; i < 64; i++) { sum += sums[i]; }
    // Without keep the old value, which may be anything, is not read.
    var old = 0.0;
    if (u.keep == 1) { old = y[0]; }
    y[0] = old + u.scale * sum;
  }
}
