import type { DType } from '../src/core/dtype.ts'

/** `state` is the dtype of m and v: one item per invocation for f32 (see items.ts), the two elements of one word for bf16. */
export function adamwWgsl(state: DType): string {
  const packed = state === 'bf16'
  const word = packed ? 'u32' : 'Item'
  const item = packed ? 'f32' : 'Item'
  return /* wgsl */ `// adamw: p = decay p; m = b1 m + (1 - b1) g; v = b2 v + (1 - b2) g^2; p -= rate m / (sqrt(v) / correction + eps), g = coef * g.
//   p     [N]  f32  in, out
//   g     [N]  f32  in
//   m     [N]  ${state}  in, out
//   v     [N]  ${state}  in, out
//   coef  [1]  f32  in
// grid      (ceil(N / ${packed ? 128 : 64}), 1, 1)   beyond 65,535 also y
// block     (64, 1, 1)
// smem      0 bytes
// source    torch.optim.AdamW; reference in src/ops/adamw.ts

${packed ? '' : 'alias Item = f32;\n\n'}struct Uniforms { N: u32, decay: f32, rate: f32, correction: f32, eps: f32, b1: f32, c1: f32, b2: f32, c2: f32 }

@group(0) @binding(0) var<storage, read_write> p: array<${item}>;
@group(0) @binding(1) var<storage, read> g: array<${item}>;
@group(0) @binding(2) var<storage, read_write> m: array<${word}>;
@group(0) @binding(3) var<storage, read_write> v: array<${word}>;
@group(0) @binding(4) var<storage, read> coef: array<f32>;
@group(0) @binding(5) var<uniform> u: Uniforms;

struct State { m: ${item}, v: ${item} }

// Moves p[i]; returns the new m and v.
fn step(i: u32, c: f32, m0: ${item}, v0: ${item}) -> State {
  let d = g[i] * c;
  let m1 = u.b1 * m0 + u.c1 * d;
  let v1 = u.b2 * v0 + u.c2 * d * d;
  p[i] = p[i] * u.decay - u.rate * m1 / (sqrt(v1) / u.correction + u.eps);
  return State(m1, v1);
}
${packed ? packedBody : plainBody}`
}

const plainBody = /* wgsl */ `
@compute @workgroup_size(64)
fn adamw(@builtin(workgroup_id) wg: vec3u, @builtin(num_workgroups) num: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = (wg.y * num.x + wg.x) * 64 + lane;
  let c = coef[0];
  if (i >= u.N || c == 0.0) { return; }
  let state = step(i, c, m[i], v[i]);
  m[i] = state.m;
  v[i] = state.v;
}
`

const packedBody = /* wgsl */ `
// The 16 high bits, rounded to nearest even; NaN stays NaN.
fn bf16(x: f32) -> u32 {
  let b = bitcast<u32>(x);
  return select((b + 0x7fffu + ((b >> 16) & 1u)) >> 16, (b >> 16) | 0x40u, (b & 0x7fffffffu) > 0x7f800000u);
}

@compute @workgroup_size(64)
fn adamw(@builtin(workgroup_id) wg: vec3u, @builtin(num_workgroups) num: vec3u, @builtin(local_invocation_index) lane: u32) {
  let word = (wg.y * num.x + wg.x) * 64 + lane;
  let i = 2 * word;
  let c = coef[0];
  if (i >= u.N || c == 0.0) { return; }
  let m0 = m[word];
  let v0 = v[word];
  let low = step(i, c, bitcast<f32>(m0 << 16), bitcast<f32>(v0 << 16));
  var m1 = bf16(low.m);
  var v1 = bf16(low.v);
  // N may be odd: the last word's upper half is padding.
  if (i + 1 < u.N) {
    let high = step(i + 1, c, bitcast<f32>(m0 & 0xffff0000u), bitcast<f32>(v0 & 0xffff0000u));
    m1 |= bf16(high.m) << 16;
    v1 |= bf16(high.v) << 16;
  }
  m[word] = m1;
  v[word] = v1;
}
`
