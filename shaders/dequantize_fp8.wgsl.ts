// The text of dequantize_fp8, and of the decoding pass of the fp8 products, which apply the scales themselves.

const decodeFn = `
/** e4m3 -> f32, exact: bits for normal codes, an integer product below them; the two NaN codes give NaN. */
fn decode(code: u32) -> f32 {
  let magnitude = code & 0x7fu;
  let normal = bitcast<f32>((magnitude << 20u) + 0x3c000000u);
  let value = select(normal, f32(magnitude) * 0.001953125, magnitude < 8u);
  let bits = select(bitcast<u32>(value), 0x7fc00000u, magnitude == 127u) | ((code & 0x80u) << 24u);
  return bitcast<f32>(bits);
}

fn code_at(i: u32) -> u32 { return (q[i >> 2u] >> ((i & 3u) * 8u)) & 0xffu; }
`

/** `tile`: none decodes only. */
export function dequantizeFp8Text(tile: '1x128' | '128x128' | 'none'): string {
  if (tile === 'none') {
    return `// decode_fp8: y = q: a pass of the fp8 products, not an op of its own.
//   q  [N]  e4m3  in
//   y  [N]  f32   out
// grid      (ceil(N / 64), 1, 1)   beyond 65,535 also y
// block     (64, 1, 1)
// smem      0 bytes
// source    reference in src/core/dtype.ts

struct Uniforms { N: u32 }

@group(0) @binding(0) var<storage, read> q: array<u32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<uniform> u: Uniforms;
${decodeFn}
@compute @workgroup_size(64)
fn decode_fp8(@builtin(workgroup_id) wg: vec3u, @builtin(num_workgroups) num: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = (wg.y * num.x + wg.x) * 64 + lane;
  if (i < u.N) { y[i] = decode(code_at(i)); }
}
`
  }
  return `// dequantize_fp8: x = q * scale of the element's tile, ${tile}.
//   q      [M, K]  e4m3  in
//   scale  ${tile === '1x128' ? '[M, ceil(K / 128)]' : '[M / G * ceil(G / 128), ceil(K / 128)]'}  f32  in
//   x      [M, K]  f32   out
// grid      (ceil(M * K / 64), 1, 1)   beyond 65,535 also y
// block     (64, 1, 1)
// smem      0 bytes
// source    reference in src/ops/dequantize_fp8.ts

struct Uniforms { M: u32, K: u32, G: u32 } // G: rows of a group, which no block straddles

@group(0) @binding(0) var<storage, read> q: array<u32>;
@group(0) @binding(1) var<storage, read> scale: array<f32>;
@group(0) @binding(2) var<storage, read_write> x: array<f32>;
@group(0) @binding(3) var<uniform> u: Uniforms;
${decodeFn}
@compute @workgroup_size(64)
fn dequantize_fp8(@builtin(workgroup_id) wg: vec3u, @builtin(num_workgroups) num: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = (wg.y * num.x + wg.x) * 64 + lane;
  if (i >= u.M * u.K) { return; }
  let m = i / u.K;
  let k = i % u.K;
  let row = ${tile === '1x128' ? 'm' : '(m / u.G) * ((u.G + 127) / 128) + (m % u.G) / 128'};
  x[i] = decode(code_at(i)) * scale[row * ((u.K + 127) / 128) + k / 128];
}
`
}
