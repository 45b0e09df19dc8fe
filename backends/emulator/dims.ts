// Triples of a launch: grids, blocks, clusters, and what lies at a place in them.
export type Triple = [number, number, number]

/** Coordinate c of a linear index, x fastest; 0 in the fourth dimension. */
export function coordinate(index: number, dims: readonly number[], c: number): number {
  const [x, y] = dims
  return c === 0 ? index % x : c === 1 ? Math.floor(index / x) % y : c === 2 ? Math.floor(index / (x * y)) : 0
}
export const coordinates = (index: number, dims: readonly number[]): Triple => [coordinate(index, dims, 0), coordinate(index, dims, 1), coordinate(index, dims, 2)]
export const product = (dims: readonly number[]): number => dims[0] * dims[1] * dims[2]
