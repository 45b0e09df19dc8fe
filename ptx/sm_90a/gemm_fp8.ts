import { u32, type CudaInfo, type PtxDispatch, type PtxKernel } from '../../src/core/kernel.ts'
import type { Specs } from '../../src/core/op.ts'
import type { GemmFp8Attrs } from '../../src/ops/gemm_fp8.ts'
import { once } from '../tile_choice.ts'
import { bk, gemmFp8Text, layoutOf, type GemmFp8Text, type GemmFp8Tile } from './gemm_fp8.ptx.ts'
import { storeMap } from './store_tile.ts'
import { chooseTile, numTiles, rowsOf, threadsOf } from './tiles.ts'

/** Largest first: chooseTile keeps the earlier of equals. */
const tiles: readonly GemmFp8Tile[] = [{ groups: 2, bn: 128, stages: 4 }, { groups: 2, bn: 64, stages: 6 }, { groups: 1, bn: 64, stages: 6 }]

const textOf = (kernel: GemmFp8Text): string => once(`gemm_fp8 sm_90a ${JSON.stringify(kernel)}`, () => gemmFp8Text(kernel))

/** Launches for these operands: `adds` to c, or makes it. */
export function launchOf({ a, b }: Specs, bTile: '128x128' | '1x128', adds: boolean, { numSms }: CudaInfo): readonly PtxDispatch[] {
  const [[M, K], [N]] = [a.shape, b.shape]
  const tile = chooseTile(tiles, M, N, numSms)
  const operand = (buffer: string, rows: number, boxRows: number) => ({
    tensorMap: { buffer, dataType: 'UINT8' as const, globalDim: [K, rows], globalStrides: [K], boxDim: [bk, boxRows], swizzle: '128B' as const, l2Promotion: 'L2_256B' as const },
  })
  return [{
    ptx: textOf({ bTile, tile, adds }), entry: 'gemm_fp8', label: `gemm_fp8 ${bTile} ${rowsOf(tile)}x${tile.bn}${adds ? ', added' : ''}`,
    args: [operand('a', M, rowsOf(tile)), operand('b', N, tile.bn), storeMap(M, N, 'f32'), 'aScale', 'bScale', u32(M), u32(N), u32(K)],
    grid: [Math.min(numSms, numTiles(tile, M, N)), 1, 1], block: [threadsOf(tile), 1, 1], smemBytes: layoutOf({ bTile, tile }).smemBytes,
  }]
}

export const textsOf = (bTile: '128x128' | '1x128', adds: boolean): string[] => tiles.map((tile) => textOf({ bTile, tile, adds }))

export const gemm_fp8: PtxKernel<GemmFp8Attrs> = {
  op: 'gemm_fp8',
  // wgmma takes 8-bit operands K-major only; TMA wants rows of 16-byte multiples.
  supports: ({ a, b }, { layout }) => layout === 'nt' && a.shape[1] % 16 === 0 && b.shape[0] % 4 === 0,
  launch: ({ specs, attrs: { bTile } }, info) => launchOf(specs, bTile, false, info),
  // Hopper's fp8 wgmma keeps 13 fraction bits of each of the 32 products and of the sum it adds them to, four times between promotions
  // (ptx-isa-notes 2.3): the emulator's model of it shows up to 1.2e-3 of the largest value.
  tolerance: (_specs, _attrs, { exactTensorCores }) => (exactTensorCores ? 0 : 2 ** -8),
  texts: () => [...textsOf('128x128', false), ...textsOf('1x128', false)],
}
