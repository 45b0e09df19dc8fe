// The text of cast, per direction. bf16 is packed two to a word, the first in the low half. A copy moves words as they are.
import type { DType } from '../src/core/dtype.ts'

/** `cast` is a reserved word of WGSL. */
export const entry = 'cast_elements'

const toBf16 = `
  let i = word * 2;
  if (i >= u.N) { return; }
  var high = 0u;
  if (i + 1 < u.N) { high = nearest_bf16(x[i + 1]); }
  y[word] = nearest_bf16(x[i]) | (high << 16u);`

const toF32 = `
  if (word < u.N) { y[word] = (x[word >> 1u] >> ((word & 1u) * 16u)) << 16u; }`

const copy = `
  if (word < u.N) { y[word] = x[word]; }`

export const castText = (from: DType, to: DType) => `// cast: y = x as ${to}, to nearest, ties to even; NaN stays NaN.
//   x  [N]  f32 or bf16  in
//   y  [N]  f32 or bf16  out
// grid      (ceil(words of y / 64), 1, 1)   beyond 65,535 also y
// block     (64, 1, 1)                      one word of y per invocation
// smem      0 bytes
// source    reference in src/ops/cast.ts

struct Uniforms { N: u32 }

// float32 bits: integers round the same everywhere, and a NaN passes as it is.
@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(0) @binding(1) var<storage, read_write> y: array<u32>;
@group(0) @binding(2) var<uniform> u: Uniforms;

fn nearest_bf16(bits: u32) -> u32 {
  let rounded = (bits + 0x7fffu + ((bits >> 16u) & 1u)) >> 16u;
  return select(rounded, (bits >> 16u) | 0x40u, (bits & 0x7fffffffu) > 0x7f800000u);
}

@compute @workgroup_size(64)
fn ${entry}(@builtin(workgroup_id) wg: vec3u, @builtin(num_workgroups) num: vec3u, @builtin(local_invocation_index) lane: u32) {
  let word = (wg.y * num.x + wg.x) * 64 + lane;${from === to ? copy : to === 'bf16' ? toBf16 : toF32}
}
`
