// Which tile a product gets: apart from the kernels, so that a measurement changes one table.

/** `groups` warp groups of 64 rows each, of `bn` columns. */
export interface Tile { readonly groups: number; readonly bn: number }

export const rowsOf = ({ groups }: Tile): number => 64 * groups
/** The consumers and the one warp group that feeds them. */
export const threadsOf = ({ groups }: Tile): number => 128 * (1 + groups)
export const numTiles = (tile: Tile, M: number, N: number): number => Math.ceil(M / rowsOf(tile)) * Math.ceil(N / tile.bn)

/**
 * The least time by this estimate: waves of tiles over the SMs, each as long as its tile is large, times what a small tile loses
 * (operand bytes a product: 1 / bm + 1 / bn). Ties go to the larger tile. Not yet measured on hardware.
 */
export function chooseTile<T extends Tile>(candidates: readonly T[], M: number, N: number, numSms: number): T {
  const cost = (tile: Tile) => {
    const [bm, bn] = [rowsOf(tile), tile.bn]
    return Math.ceil(numTiles(tile, M, N) / numSms) * bm * bn * (1 + 32 / bm + 32 / bn)
  }
  return candidates.reduce((best, t) => (cost(t) < cost(best) ? t : best))
}
