import { u32, type PtxKernel } from '../../src/core/kernel.ts'
import type { GemmAttrs } from '../../src/ops/gemm.ts'
import { once } from '../tile_choice.ts'
import { bk, gemmText, layoutOf, type GemmText, type GemmTile } from './gemm.ptx.ts'
import { storeMap } from './store_tile.ts'
import { chooseTile, numTiles, rowsOf, threadsOf } from './tiles.ts'

/** Largest first: chooseTile keeps the earlier of equals. */
const tiles: readonly GemmTile[] = [{ groups: 2, bn: 256, stages: 4 }, { groups: 2, bn: 128, stages: 5 }, { groups: 2, bn: 64, stages: 6 }, { groups: 1, bn: 64, stages: 6 }]

const textOf = (kernel: GemmText): string => once(`gemm sm_90a ${JSON.stringify(kernel)}`, () => gemmText(kernel))

export const gemm: PtxKernel<GemmAttrs> = {
  op: 'gemm',
  // TMA: rows of 16-byte multiples.
  supports: ({ a, b }, { layout, out }) => a.dtype === 'bf16' && b.dtype === 'bf16' && a.shape[1] % 8 === 0 && b.shape[1] % 8 === 0
    && b.shape[layout === 'nt' ? 0 : 1] % (out === 'f32' ? 4 : 8) === 0,
  launch({ specs: { a, b }, attrs: { layout, out } }, { numSms }) {
    const [M, K] = layout === 'tn' ? [a.shape[1], a.shape[0]] : a.shape
    const N = b.shape[layout === 'nt' ? 0 : 1]
    const tile = chooseTile(tiles, M, N, numSms)
    const kernel: GemmText = { layout, out, tile }
    const operand = (buffer: string, [rows, columns]: readonly number[], box: number[]) => ({
      tensorMap: { buffer, dataType: 'BFLOAT16' as const, globalDim: [columns, rows], globalStrides: [2 * columns], boxDim: box, swizzle: '128B' as const, l2Promotion: 'L2_256B' as const },
    })
    // MN-major operands come in boxes of 64 elements, K-major ones in one box of all rows.
    return [{
      ptx: textOf(kernel), entry: 'gemm', label: `gemm ${layout} ${out} ${rowsOf(tile)}x${tile.bn}`,
      args: [operand('a', a.shape, layout === 'tn' ? [64, bk] : [bk, rowsOf(tile)]), operand('b', b.shape, layout === 'nt' ? [bk, tile.bn] : [64, bk]), storeMap(M, N, out), u32(M), u32(N), u32(K)],
      grid: [Math.min(numSms, numTiles(tile, M, N)), 1, 1], block: [threadsOf(tile), 1, 1], smemBytes: layoutOf(kernel).smemBytes,
    }]
  },
  texts: () => (['nt', 'nn', 'tn'] as const).flatMap((layout) => (['f32', 'bf16'] as const).flatMap((out) => tiles.map((tile) => textOf({ layout, out, tile })))),
}
