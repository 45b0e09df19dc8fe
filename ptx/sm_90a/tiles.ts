// Which tile a product gets: apart from the kernels, so that a measurement changes one table.

interface Tile { readonly groups: number; readonly bn: number }

/**
 * The least time by this estimate: waves of tiles over the SMs, each as long as its tile is large, times what a small tile loses
 * (operand bytes a product: 1 / bm + 1 / bn). Ties go to the larger tile. Not yet measured on hardware.
 */
export function chooseTile<T extends Tile>(candidates: readonly T[], M: number, N: number, numSms: number): T {
  const cost = ({ groups, bn }: Tile) => {
    const bm = 64 * groups
    const tiles = Math.ceil(M / bm) * Math.ceil(N / bn)
    return Math.ceil(tiles / numSms) * bm * bn * (1 + 32 / bm + 32 / bn)
  }
  return candidates.reduce((best, t) => (cost(t) < cost(best) ? t : best))
}

export const numTiles = (tile: Tile, M: number, N: number): number => Math.ceil(M / (64 * tile.groups)) * Math.ceil(N / tile.bn)
