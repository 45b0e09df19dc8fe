import { ceilDiv, u32, type PtxKernel } from '../src/core/kernel.ts'
import type { GroupedLayout } from '../src/ops/grouped_gemm.ts'
import type { GroupedGemmFp8Attrs } from '../src/ops/grouped_gemm_fp8.ts'
import { groupedGemmFp8Text } from './grouped_gemm_fp8.ptx.ts'
import { chooseTile, fp8KernelText, fp8Tiles } from './tile_choice.ts'
import type { MmaTile } from './tile_mma.ts'

const textOf = (layout: GroupedLayout, tile: MmaTile, N: number, K: number, plain = false) => fp8KernelText('grouped_gemm_fp8', tile,
  { bMajor: layout === 'nt' ? 'k' : 'mn', bScales: 'blocks' }, K, layout === 'nt' ? K : N, N, plain, (t) => groupedGemmFp8Text(layout, t))

export const grouped_gemm_fp8: PtxKernel<GroupedGemmFp8Attrs> = {
  op: 'grouped_gemm_fp8',
  launch({ specs: { x, w, y }, attrs: { layout } }, info) {
    const [P, K] = x.shape, N = y.shape[1], E = w.shape[0]
    if (P * N === 0) return []
    const { ptx, tile } = textOf(layout, chooseTile(fp8Tiles, ceilDiv(P, E), N, E, info), N, K, info.emulated)
    const grid = [(Math.floor(P / tile.rows) + E + 1) * ceilDiv(N, tile.columns), 1, 1] as const
    const args = ['x', 'xScale', 'w', 'wScale', 'offsets', 'y', u32(P), u32(E), u32(N), u32(K)]
    return [{ ptx, entry: 'grouped_gemm_fp8', args, grid, block: [tile.threads, 1, 1], smemBytes: tile.smemBytes }]
  },
  texts: () => fp8Tiles.flatMap((tile) => (['nt', 'nn'] as const).flatMap((layout) => [textOf(layout, tile, 16, 16).ptx, textOf(layout, tile, 7, 7).ptx])),
}
