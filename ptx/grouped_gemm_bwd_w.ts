import { ceilDiv, u32, type PtxKernel } from '../src/core/kernel.ts'
import type { FloatOut } from '../src/ops/gemm.ts'
import { groupedGemmBwdWText } from './grouped_gemm_bwd_w.ptx.ts'
import { allTiles, denseTile, kernelText, operandsOf, type AnyTile } from './tile_choice.ts'

const textOf = (tile: AnyTile, N: number, K: number, plain = false) =>
  kernelText('grouped_gemm_bwd_w', tile, operandsOf(tile, { aMajor: 'mn', bMajor: 'mn' }, N, K, K, 'f32', plain), (t) => groupedGemmBwdWText(tile.dtype, t))

export const grouped_gemm_bwd_w: PtxKernel = {
  op: 'grouped_gemm_bwd_w',
  launch({ specs: { dy, dw } }, info) {
    const [E, N, K] = dw.shape
    if (E * N * K === 0) return []
    const { ptx, tile } = textOf(denseTile(dy.dtype as FloatOut, N, K, E, info), N, K, info.emulated)
    const grid = [ceilDiv(N, tile.rows) * ceilDiv(K, tile.columns), E, 1] as const
    return [{ ptx, entry: 'grouped_gemm_bwd_w', args: ['dy', 'x', 'offsets', 'dw', u32(N), u32(K)], grid, block: [tile.threads, 1, 1], smemBytes: tile.smemBytes }]
  },
  texts: () => allTiles.flatMap((tile) => [textOf(tile, 8, 8).ptx, textOf(tile, 7, 7).ptx]),
}
