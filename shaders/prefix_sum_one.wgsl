// prefix_sum_one: x[i] = sum over j < i of x[j], in place, by one invocation: pass two of prefix_sum, or all of it when short.
//   x  [N]  u32  inout
// grid      (1, 1, 1)
// block     (1, 1, 1)
// smem      0 bytes
// source    integers: any order gives the same bits

struct Uniforms { N: u32 }

@group(0) @binding(0) var<storage, read_write> x: array<u32>;
@group(0) @binding(1) var<uniform> u: Uniforms;

@compute @workgroup_size(1)
fn prefix_sum_one() {
  var sum = 0u;
  for (var i = 0u; i < u.N; i++) {
    let value = x[i];
    x[i] = sum;
    sum += value;
  }
}
