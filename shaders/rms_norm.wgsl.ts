/** Rows of up to so many items are held in named values: a software adapter pays dearly for loading them twice. */
export const maxHeld = 24
const range = (n: number) => Array.from({ length: n }, (_, i) => i)

/** The text for rows of H items, if held; with 0 for rows of any length. */
export function rmsNormWgsl(held: number): string {
  return /* wgsl */ `// rms_norm: y = x * rsqrt(mean(x * x) + eps) * w, one row per invocation.
//   x     [T, H]  f32  in
//   w     [H]     f32  in
//   y     [T, H]  f32  out
//   rstd  [T]     f32  out
// grid      (ceil(T / 64), 1, 1)   beyond 65,535 also y
// block     (64, 1, 1)
// smem      0 bytes
// source    deepseek-v3.md §1.2; reference in src/ops/rms_norm.ts

// One element, or four where the launch can (summed_items.ts); H counts items, elements the elements of a row.
alias Item = f32;
fn total(x: Item) -> f32 { return x; }

struct Uniforms { T: u32, H: u32, elements: f32, eps: f32 }

@group(0) @binding(0) var<storage, read> x: array<Item>;
@group(0) @binding(1) var<storage, read> w: array<Item>;
@group(0) @binding(2) var<storage, read_write> y: array<Item>;
@group(0) @binding(3) var<storage, read_write> rstd: array<f32>;
@group(0) @binding(4) var<uniform> u: Uniforms;

@compute @workgroup_size(64)
fn rms_norm(@builtin(workgroup_id) wg: vec3u, @builtin(num_workgroups) num: vec3u, @builtin(local_invocation_index) lane: u32) {
  let row = (wg.y * num.x + wg.x) * 64 + lane;
  if (row >= u.T) { return; }
  let start = row * u.H;

${held ? heldBody(held) : walkedBody}}
`
}

const heldBody = (n: number) => /* wgsl */ `  // Phase 1: mean of squares.
  ${range(n).map((h) => `let x${h} = x[start + ${h}];`).join('\n  ')}
  let squares = ${range(n).map((h) => `x${h} * x${h}`).join(' + ')};
  let r = 1.0 / sqrt(total(squares) / u.elements + u.eps);
  rstd[row] = r;

  // Phase 2: scale.
  ${range(n).map((h) => `y[start + ${h}] = x${h} * r * w[${h}];`).join('\n  ')}
`

const walkedBody = /* wgsl */ `  // Phase 1: mean of squares, in chunks of 64 items so that the float32 error grows with H / 64 + 64, not with H.
  var squares = Item(0.0);
  for (var c = 0u; c < u.H; c += 64) {
    var sum = Item(0.0);
    let end = min(c + 64, u.H);
    for (var h = c; h < end; h++) {
      let v = x[start + h];
      sum += v * v;
    }
    squares += sum;
  }
  let r = 1.0 / sqrt(total(squares) / u.elements + u.eps);
  rstd[row] = r;

  // Phase 2: scale.
  for (var h = 0u; h < u.H; h++) { y[start + h] = x[start + h] * r * w[h]; }
`
