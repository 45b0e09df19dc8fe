import type { DType } from '../src/core/dtype.ts'
import type { Fp8Tile } from '../src/ops/quantize_fp8.ts'
import { bitsAt } from './fp8_arithmetic.ts'

export const amaxText = (dtype: DType, tile: Fp8Tile) => `// fp8_amax: amax[t] = max |x| over ${tile === '128x1' ? '128 rows of a column' : '128 columns of a row'}; pass one of quantize_fp8.
//   x     [M, K]  f32 or bf16  in
//   amax  [R, ceil(C / 128)]  u32  out   of x as [R, C], for 128x1 transposed: bits of |x|, which order as the numbers do; NaN above all
// grid      (ceil(number of amax / 64), 1, 1)   beyond 65,535 also y
// block     (64, 1, 1)
// smem      0 bytes
// source    deepseek-v3.md §2; reference in src/ops/quantize_fp8.ts

struct Uniforms { M: u32, K: u32 }

@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(0) @binding(1) var<storage, read_write> amax: array<u32>;
@group(0) @binding(2) var<uniform> u: Uniforms;

${bitsAt(dtype)}

@compute @workgroup_size(64)
fn fp8_amax(@builtin(workgroup_id) wg: vec3u, @builtin(num_workgroups) num: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = (wg.y * num.x + wg.x) * 64 + lane;
  var largest = 0u;
${tile === '128x1' ? `  // Neighbours take neighbouring columns.
  let tiles = (u.M + 127) / 128;
  if (i >= u.K * tiles) { return; }
  let k = i % u.K;
  let t = i / u.K;
  let end = min(t * 128 + 128, u.M);
  for (var m = t * 128; m < end; m++) { largest = max(largest, bits_at(m * u.K + k) & 0x7fffffffu); }
  amax[k * tiles + t] = largest;` : `  let tiles = (u.K + 127) / 128;
  if (i >= u.M * tiles) { return; }
  let m = i / tiles;
  let t = i % tiles;
  let end = m * u.K + min(t * 128 + 128, u.K);
  for (var at = m * u.K + t * 128; at < end; at++) { largest = max(largest, bits_at(at) & 0x7fffffffu); }
  amax[i] = largest;`}
}
`
