import { ceilDiv, u32, type PtxKernel } from '../src/core/kernel.ts'
import type { GemmFp8Attrs } from '../src/ops/gemm_fp8.ts'
import { gemmFp8Text } from './gemm_fp8.ptx.ts'
import { chooseTile, fp8KernelText, fp8Tiles } from './tile_choice.ts'
import type { MmaTile } from './tile_mma.ts'

type Kind = Pick<GemmFp8Attrs, 'layout' | 'bTile'>

const textOf = ({ layout, bTile }: Kind, tile: MmaTile, N: number, K: number, plain = false) => fp8KernelText(`gemm_fp8 ${layout}`, tile,
  { bMajor: layout === 'nt' ? 'k' : 'mn', bScales: bTile === '1x128' ? 'columns' : 'blocks' }, K, layout === 'nt' ? K : N, N, plain, (t) => gemmFp8Text(layout, bTile, t))

const kinds: Kind[] = [{ layout: 'nt', bTile: '128x128' }, { layout: 'nt', bTile: '1x128' }, { layout: 'nn', bTile: '128x128' }]

export const gemm_fp8: PtxKernel<GemmFp8Attrs> = {
  op: 'gemm_fp8',
  launch({ specs: { a, c }, attrs }, info) {
    const [M, N] = c.shape, K = a.shape[1]
    if (M * N === 0) return []
    const { ptx, tile } = textOf(attrs, chooseTile(fp8Tiles, M, N, 1, info), N, K, info.emulated)
    const args = ['a', 'aScale', 'b', 'bScale', 'c', u32(M), u32(N), u32(K)]
    return [{ ptx, entry: 'gemm_fp8', args, grid: [ceilDiv(M, tile.rows) * ceilDiv(N, tile.columns), 1, 1], block: [tile.threads, 1, 1], smemBytes: tile.smemBytes }]
  },
  texts: () => fp8Tiles.flatMap((tile) => kinds.flatMap((kind) => [textOf(kind, tile, 16, 16).ptx, textOf(kind, tile, 4, 4).ptx, textOf(kind, tile, 7, 7).ptx])),
}
