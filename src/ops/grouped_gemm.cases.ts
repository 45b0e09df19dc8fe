import type { CaseRandom, OpCase } from '../core/op.ts'
import type { FloatOut } from './gemm.ts'
import type { GroupedLayout } from './grouped_gemm.ts'

/** P rows in all; `ends` after each expert: multiples of rowAlign. */
interface Grouping { name: string; P: number; rowAlign: number; offsets: number[] }
export const groupings: Grouping[] = [
  { name: 'one expert', P: 8, rowAlign: 8, offsets: [0, 8] },
  { name: 'even', P: 64, rowAlign: 8, offsets: [0, 16, 32, 48, 64] },
  { name: 'empty experts', P: 40, rowAlign: 8, offsets: [0, 0, 24, 24, 32, 32] },
  { name: 'one takes all', P: 48, rowAlign: 8, offsets: [0, 0, 40, 40, 40] },
  { name: 'all empty', P: 16, rowAlign: 8, offsets: [0, 0, 0] },
  { name: 'rowAlign 16', P: 100, rowAlign: 16, offsets: [0, 16, 64, 80] },
]
/** Groups aligned to the 128 of fp8 tiles. */
export const groupings128: Grouping[] = [
  { name: 'one expert', P: 128, rowAlign: 128, offsets: [0, 128] },
  { name: 'empty expert', P: 384, rowAlign: 128, offsets: [0, 128, 128, 256] },
  { name: 'one takes all', P: 384, rowAlign: 128, offsets: [0, 0, 384, 384] },
  { name: 'all empty', P: 128, rowAlign: 128, offsets: [0, 0, 0] },
]
const deepSeek: Grouping = { name: 'DeepSeek-V3', P: 256, rowAlign: 128, offsets: [0, 128, 256] }

export const offsetsOf = (r: CaseRandom, g: Grouping) => ({ ...r.values([g.offsets.length], g.offsets), dtype: 'i32' as const, data: Int32Array.from(g.offsets) })

type Size = [N: number, K: number]
const sizes: Size[] = [[1, 1], [5, 3], [31, 17], [32, 16], [33, 65]]
const layouts: GroupedLayout[] = ['nt', 'nn']

const forward = (g: Grouping, [N, K]: Size, layout: GroupedLayout, dtype: FloatOut, out: FloatOut, slow = false): OpCase => ({
  name: `${layout} ${g.name} [${g.P}, ${N}, ${K}] ${dtype}${out === dtype ? '' : ` to ${out}`}`, slow,
  attrs: { layout, rowAlign: g.rowAlign, out },
  inputs: (r) => ({
    x: r.normal([g.P, K], 1, dtype),
    w: r.normal(layout === 'nt' ? [g.offsets.length - 1, N, K] : [g.offsets.length - 1, K, N], 1, dtype),
    offsets: offsetsOf(r, g),
  }),
})

export const grouped_gemm_cases: OpCase[] = layouts.flatMap((layout) => [
  ...[[33, 17], [36, 20]].flatMap((size) => groupings.map((g) => forward(g, size as Size, layout, 'f32', 'f32'))),
  ...sizes.map((size) => forward(groupings[2], size, layout, 'f32', 'f32')),
  ...groupings.slice(1, 4).map((g) => forward(g, [33, 17], layout, 'bf16', 'f32')),
  forward(groupings[2], [5, 3], layout, 'bf16', 'bf16'),
  forward(deepSeek, [2048, 7168], layout, 'f32', 'f32', true),
])

const backward = (g: Grouping, [N, K]: Size, dtype: FloatOut, slow = false): OpCase => ({
  name: `${g.name} [${g.P}, ${N}, ${K}] ${dtype}`, slow, attrs: {},
  inputs: (r) => ({ dy: r.normal([g.P, N], 1, dtype), x: r.normal([g.P, K], 1, dtype), offsets: offsetsOf(r, g) }),
})

export const grouped_gemm_bwd_w_cases: OpCase[] = [
  ...[[33, 17], [36, 20]].flatMap((size) => groupings.map((g) => backward(g, size as Size, 'f32'))),
  ...sizes.map((size) => backward(groupings[2], size, 'f32')),
  ...groupings.slice(1, 4).map((g) => backward(g, [33, 17], 'bf16')),
  backward(deepSeek, [2048, 7168], 'f32', true),
]
