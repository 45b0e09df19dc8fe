import { ceilDiv, u32, type PtxKernel } from '../src/core/kernel.ts'
import { groupedGemmFp8BwdWText } from './grouped_gemm_fp8_bwd_w.ptx.ts'
import { chooseTile, fp8KernelText, fp8Tiles } from './tile_choice.ts'
import type { MmaTile } from './tile_mma.ts'

const textOf = (tile: MmaTile, K: number, P: number, plain = false) => fp8KernelText('grouped_gemm_fp8_bwd_w', tile, { bMajor: 'k', bScales: 'columns' }, P, P, K, plain, groupedGemmFp8BwdWText)

export const grouped_gemm_fp8_bwd_w: PtxKernel = {
  op: 'grouped_gemm_fp8_bwd_w',
  launch({ specs: { dyT, dw } }, info) {
    const [E, N, K] = dw.shape, P = dyT.shape[1]
    if (E * N * K === 0) return []
    const { ptx, tile } = textOf(chooseTile(fp8Tiles, N, K, E, info), K, P, info.emulated)
    const args = ['dyT', 'dyScale', 'xT', 'xScale', 'offsets', 'dw', u32(N), u32(K), u32(P)]
    return [{ ptx, entry: 'grouped_gemm_fp8_bwd_w', args, grid: [ceilDiv(N, tile.rows) * ceilDiv(K, tile.columns), E, 1], block: [tile.threads, 1, 1], smemBytes: tile.smemBytes }]
  },
  texts: () => fp8Tiles.flatMap((tile) => [textOf(tile, 16, 128).ptx, textOf(tile, 7, 7).ptx]),
}
