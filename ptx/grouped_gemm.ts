import { ceilDiv, u32, type PtxKernel } from '../src/core/kernel.ts'
import type { FloatOut } from '../src/ops/gemm.ts'
import type { GroupedGemmAttrs, GroupedLayout } from '../src/ops/grouped_gemm.ts'
import { groupedGemmText } from './grouped_gemm.ptx.ts'
import { allTiles, denseTile, kernelText, operandsOf, type AnyTile } from './tile_choice.ts'

function textOf(layout: GroupedLayout, tile: AnyTile, N: number, K: number, out: FloatOut, plain = false) {
  const operands = operandsOf(tile, { aMajor: 'k', bMajor: layout === 'nt' ? 'k' : 'mn' }, K, layout === 'nt' ? K : N, N, out, plain)
  return kernelText(`grouped_gemm ${layout}`, tile, operands, (t) => groupedGemmText(layout, tile.dtype, out, t))
}

export const grouped_gemm: PtxKernel<GroupedGemmAttrs> = {
  op: 'grouped_gemm',
  launch({ specs: { x, w, y }, attrs: { layout, out } }, info) {
    const [P, K] = x.shape, N = y.shape[1], E = w.shape[0]
    if (P * N === 0) return []
    const { ptx, tile } = textOf(layout, denseTile(x.dtype as FloatOut, ceilDiv(P, E), N, E, info), N, K, out, info.emulated)
    const grid = [(Math.floor(P / tile.rows) + E + 1) * ceilDiv(N, tile.columns), 1, 1] as const
    return [{ ptx, entry: 'grouped_gemm', args: ['x', 'w', 'offsets', 'y', u32(P), u32(E), u32(N), u32(K)], grid, block: [tile.threads, 1, 1], smemBytes: tile.smemBytes }]
  },
  texts: () => allTiles.flatMap((tile) => (['nt', 'nn'] as const).flatMap((layout) => [textOf(layout, tile, 8, 8, 'f32').ptx, textOf(layout, tile, 7, 7, 'bf16').ptx])),
}
