import type { OpCase } from '../core/op.ts'
import type { FloatOut, Layout } from './gemm.ts'

type Size = [M: number, N: number, K: number, slow?: boolean]
/** 1 row, odd, tile - 1, tile, tile + 1 (tiles of 8 x 32 and 16 x 16), a K of 1, a long K; multiples of 4 take another kernel. */
const sizes: Size[] = [[1, 64, 32], [7, 5, 3], [7, 31, 17], [8, 32, 16], [9, 33, 17], [3, 2, 1], [1, 1, 1], [64, 96, 128], [65, 127, 300], [4, 8, 4096], [4, 4, 4], [36, 100, 68]]
const large: Size[] = [[128, 7168, 2048, true]]

const one = ([M, N, K, slow]: Size, layout: Layout, dtype: FloatOut, out: FloatOut, std = 1): OpCase => ({
  name: `${layout} [${M}, ${N}, ${K}] ${dtype}${out === dtype ? '' : ` to ${out}`}${std === 1 ? '' : ' large'}`,
  slow, attrs: { layout, out },
  inputs: (r) => ({
    a: r.normal(layout === 'tn' ? [K, M] : [M, K], std, dtype),
    b: r.normal(layout === 'nt' ? [N, K] : [K, N], std, dtype),
  }),
})

const layouts: Layout[] = ['nt', 'nn', 'tn']
export const gemm_cases: OpCase[] = [
  ...layouts.flatMap((layout) => [...sizes, ...large].map((size) => one(size, layout, 'f32', 'f32'))),
  ...layouts.flatMap((layout) => sizes.slice(1, 9).map((size) => one(size, layout, 'bf16', 'f32'))),
  ...layouts.flatMap((layout) => sizes.slice(1, 5).map((size) => one(size, layout, 'bf16', 'bf16'))),
  // Rows of 16-byte multiples, several tiles and tails: what TMA takes.
  ...layouts.flatMap((layout) => (['f32', 'bf16'] as const).map((out) => one([136, 264, 200], layout, 'bf16', out))),
  one([9, 33, 17], 'nt', 'f32', 'bf16'),
  one([9, 33, 17], 'nt', 'f32', 'f32', 1e6),
]
