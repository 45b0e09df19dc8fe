// The text of cast, per direction. bf16 is packed two to a word, the first in the low half.
import type { DType } from '../src/core/dtype.ts'

/** WGSL function `name(i) -> f32`: element i of a storage array `buffer`, stored as f32 or bf16. */
export const loadElement = (name: string, buffer: string, dtype: DType) => dtype === 'bf16'
  ? `fn ${name}(i: u32) -> f32 { return bitcast<f32>((${buffer}[i >> 1u] >> ((i & 1u) * 16u)) << 16u); }`
  : `fn ${name}(i: u32) -> f32 { return ${buffer}[i]; }`

/** The WGSL element type of the array that holds `dtype`. */
export const wordType = (dtype: DType) => dtype === 'f32' ? 'f32' : 'u32'

const toBf16 = `// cast: y = bf16(x), to nearest, ties to even; NaN stays NaN.
//   x  [N]  f32   in
//   y  [N]  bf16  out
// grid      (ceil(N / 128), 1, 1)   beyond 65,535 also y
// block     (64, 1, 1)              one word, two elements, per invocation
// smem      0 bytes
// source    reference in src/ops/cast.ts

struct Uniforms { N: u32 }

@group(0) @binding(0) var<storage, read> x: array<u32>; // float32 bits: integers round the same everywhere
@group(0) @binding(1) var<storage, read_write> y: array<u32>;
@group(0) @binding(2) var<uniform> u: Uniforms;

fn round_bits(bits: u32) -> u32 {
  let rounded = (bits + 0x7fffu + ((bits >> 16u) & 1u)) >> 16u;
  return select(rounded, (bits >> 16u) | 0x40u, (bits & 0x7fffffffu) > 0x7f800000u);
}

@compute @workgroup_size(64)
fn cast_op(@builtin(workgroup_id) wg: vec3u, @builtin(num_workgroups) num: vec3u, @builtin(local_invocation_index) lane: u32) {
  let word = (wg.y * num.x + wg.x) * 64 + lane;
  let i = word * 2;
  if (i >= u.N) { return; }
  var high = 0u;
  if (i + 1 < u.N) { high = round_bits(x[i + 1]); }
  y[word] = round_bits(x[i]) | (high << 16u);
}
`

const toF32 = `// cast: y = f32(x), exact.
//   x  [N]  bf16  in
//   y  [N]  f32   out
// grid      (ceil(N / 64), 1, 1)   beyond 65,535 also y
// block     (64, 1, 1)
// smem      0 bytes
// source    reference in src/ops/cast.ts

struct Uniforms { N: u32 }

@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(0) @binding(1) var<storage, read_write> y: array<u32>; // float32 bits, so that a NaN passes as it is
@group(0) @binding(2) var<uniform> u: Uniforms;

@compute @workgroup_size(64)
fn cast_op(@builtin(workgroup_id) wg: vec3u, @builtin(num_workgroups) num: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = (wg.y * num.x + wg.x) * 64 + lane;
  if (i >= u.N) { return; }
  y[i] = (x[i >> 1u] >> ((i & 1u) * 16u)) << 16u;
}
`

const copy = `// cast: y = x, of the same type, word by word.
//   x  [N]  words  in
//   y  [N]  words  out
// grid      (ceil(N / 64), 1, 1)   beyond 65,535 also y
// block     (64, 1, 1)
// smem      0 bytes
// source    reference in src/ops/cast.ts

struct Uniforms { N: u32 }

@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(0) @binding(1) var<storage, read_write> y: array<u32>;
@group(0) @binding(2) var<uniform> u: Uniforms;

@compute @workgroup_size(64)
fn cast_op(@builtin(workgroup_id) wg: vec3u, @builtin(num_workgroups) num: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = (wg.y * num.x + wg.x) * 64 + lane;
  if (i < u.N) { y[i] = x[i]; }
}
`

export function castText(from: DType, to: DType): string {
  if (from === to) return copy
  return to === 'bf16' ? toBf16 : toF32
}
