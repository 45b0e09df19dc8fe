import { ceilDiv, u32, type PtxKernel } from '../src/core/kernel.ts'
import type { FloatOut, GemmAttrs, Layout } from '../src/ops/gemm.ts'
import { gemmText } from './gemm.ptx.ts'
import type { Operands } from './tile_body.ts'
import { allTiles, denseTile, kernelText, operandsOf, type AnyTile } from './tile_choice.ts'

const majors = {
  nt: { aMajor: 'k', bMajor: 'k' }, nn: { aMajor: 'k', bMajor: 'mn' }, tn: { aMajor: 'mn', bMajor: 'mn' },
} as const satisfies Record<Layout, Pick<Operands, 'aMajor' | 'bMajor'>>

function textOf(layout: Layout, tile: AnyTile, M: number, N: number, K: number, out: FloatOut, plain = false) {
  const operands = operandsOf(tile, majors[layout], layout === 'tn' ? M : K, layout === 'nt' ? K : N, N, out, plain)
  return kernelText(`gemm ${layout}`, tile, operands, (t) => gemmText(layout, tile.dtype, out, t))
}

export const gemm: PtxKernel<GemmAttrs> = {
  op: 'gemm',
  launch({ specs: { a, c }, attrs: { layout, out } }, info) {
    const [M, N] = c.shape, K = layout === 'tn' ? a.shape[0] : a.shape[1]
    if (M * N === 0) return []
    const { ptx, tile } = textOf(layout, denseTile(a.dtype as FloatOut, M, N, 1, info), M, N, K, out, info.emulated)
    const grid = [ceilDiv(M, tile.rows) * ceilDiv(N, tile.columns), 1, 1] as const
    return [{ ptx, entry: 'gemm', args: ['a', 'b', 'c', u32(M), u32(N), u32(K)], grid, block: [tile.threads, 1, 1], smemBytes: tile.smemBytes }]
  },
  /** Every tile and layout with the widest and with the narrowest accesses. */
  texts: () => allTiles.flatMap((tile) => (['nt', 'nn', 'tn'] as const).flatMap((layout) => [textOf(layout, tile, 8, 8, 8, 'f32').ptx, textOf(layout, tile, 7, 7, 7, 'bf16').ptx])),
}
