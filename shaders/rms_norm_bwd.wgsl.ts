const range = (n: number) => Array.from({ length: n }, (_, i) => i)

/** The text for rows of H items, held in named values (see rms_norm.wgsl.ts); with 0 for rows of any length. */
export function rmsNormBwdWgsl(held: number): string {
  return /* wgsl */ `// rms_norm_bwd: dx = rstd * (w * dy - x * rstd^2 * mean(w * dy * x)), one row per invocation.
//   dy    [T, H]  f32  in
//   x     [T, H]  f32  in
//   w     [H]     f32  in
//   rstd  [T]     f32  in
//   dx    [T, H]  f32  out
// grid      (ceil(T / 64), 1, 1)   beyond 65,535 also y
// block     (64, 1, 1)
// smem      0 bytes
// source    derivative of rms_norm; reference in src/ops/rms_norm_bwd.ts

// One element, or four where the launch can (summed_items.ts); H counts items, elements the elements of a row.
alias Item = f32;
fn total(x: Item) -> f32 { return x; }

struct Uniforms { T: u32, H: u32, elements: f32 }

@group(0) @binding(0) var<storage, read> dy: array<Item>;
@group(0) @binding(1) var<storage, read> x: array<Item>;
@group(0) @binding(2) var<storage, read> w: array<Item>;
@group(0) @binding(3) var<storage, read> rstd: array<f32>;
@group(0) @binding(4) var<storage, read_write> dx: array<Item>;
@group(0) @binding(5) var<uniform> u: Uniforms;

@compute @workgroup_size(64)
fn rms_norm_bwd(@builtin(workgroup_id) wg: vec3u, @builtin(num_workgroups) num: vec3u, @builtin(local_invocation_index) lane: u32) {
  let row = (wg.y * num.x + wg.x) * 64 + lane;
  if (row >= u.T) { return; }
  let start = row * u.H;

${held ? heldBody(held) : walkedBody}}
`
}

const heldBody = (n: number) => /* wgsl */ `  // Phase 1: dot product of w * dy with x.
  ${range(n).map((h) => `let x${h} = x[start + ${h}]; let wd${h} = w[${h}] * dy[start + ${h}];`).join('\n  ')}
  let product = ${range(n).map((h) => `wd${h} * x${h}`).join(' + ')};
  let r = rstd[row];
  let scale = total(product) / u.elements * r * r;

  // Phase 2: combine.
  ${range(n).map((h) => `dx[start + ${h}] = r * (wd${h} - x${h} * scale);`).join('\n  ')}
`

const walkedBody = /* wgsl */ `  // Phase 1: dot product of w * dy with x, in chunks of 64 items (see rms_norm.wgsl).
  var product = Item(0.0);
  for (var c = 0u; c < u.H; c += 64) {
    var sum = Item(0.0);
    let end = min(c + 64, u.H);
    for (var h = c; h < end; h++) { sum += w[h] * dy[start + h] * x[start + h]; }
    product += sum;
  }
  let r = rstd[row];
  let scale = total(product) / u.elements * r * r;

  // Phase 2: combine.
  for (var h = 0u; h < u.H; h++) { dx[start + h] = r * (w[h] * dy[start + h] - x[start + h] * scale); }
`
