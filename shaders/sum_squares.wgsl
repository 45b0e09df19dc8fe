// sum_squares: acc += sum of x * x, in two passes: L invocations sum every L-th item, then sum_all.wgsl.
//   x        [N]  f32  in
//   partial  [L]  f32  scratch, out of pass one
//   acc      [1]  f32  in, out (pass two)
// grid      pass one (L / 64, 1, 1), L up to 4096; pass two (1, 1, 1)
// block     (64, 1, 1)
// smem      0 bytes
// source    fixed order: the same bits every time; reference in src/ops/sum_squares.ts

// One element, or four where the launch can (summed_items.ts); N counts items.
alias Item = f32;
fn total(x: Item) -> f32 { return x; }

struct Uniforms { N: u32, L: u32 }

@group(0) @binding(0) var<storage, read> x: array<Item>;
@group(0) @binding(1) var<storage, read_write> partial: array<f32>;
@group(0) @binding(2) var<uniform> u: Uniforms;

@compute @workgroup_size(64)
fn sum_squares(@builtin(global_invocation_id) id: vec3u) {
  // In chunks of 64 terms, so that the float32 error grows with the number of chunks.
  var squares = Item(0.0);
  for (var c = id.x; c < u.N; c += 64 * u.L) {
    var sum = Item(0.0);
    let end = min(c + 64 * u.L, u.N);
    for (var i = c; i < end; i += u.L) {
      let v = x[i];
      sum += v * v;
    }
    squares += sum;
  }
  partial[id.x] = total(squares);
}
