// sum_squares_small: acc += sum of x * x in one pass, by the four lanes of a quad, where a second dispatch would cost more. A pass of sum_squares.
//   x    [N]  f32  in
//   acc  [1]  f32  in, out
// grid      (1, 1, 1)
// block     (4, 1, 1)
// smem      0 bytes
// source    fixed order: the same bits every time; reference in src/ops/sum_squares.ts

enable subgroups;
// A quad is the whole workgroup, and its lanes part only at the store.
diagnostic(off, subgroup_uniformity);

// One element, or four where the launch can (summed_items.ts); N counts items.
alias Item = f32;
fn total(x: Item) -> f32 { return x; }

struct Uniforms { N: u32 }

@group(0) @binding(0) var<storage, read> x: array<Item>;
@group(0) @binding(1) var<storage, read_write> acc: array<f32>;
@group(0) @binding(2) var<uniform> u: Uniforms;

@compute @workgroup_size(4)
fn sum_squares_small(@builtin(local_invocation_index) lane: u32) {
  // In chunks of 64 terms, so that the float32 error grows with the number of chunks.
  var squares = Item(0.0);
  for (var c = lane; c < u.N; c += 256) {
    var sum = Item(0.0);
    let end = min(c + 256, u.N);
    for (var i = c; i < end; i += 4) {
      let v = x[i];
      sum += v * v;
    }
    squares += sum;
  }
  let own = total(squares);
  let pair = own + quadSwapX(own);
  let all = pair + quadSwapY(pair);
  if (lane == 0) { acc[0] += all; }
}
