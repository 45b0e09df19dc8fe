// Which tile a product gets. Apart from the kernels' text: a tuning round edits this file only.
import { ceilDiv, type CudaInfo } from '../src/core/kernel.ts'
import { fmaBody, fp8Body, mmaBody, type Fp8Operands, type Operands, type TileText } from './tile_body.ts'
import type { FmaTile } from './tile_fma.ts'
import type { MmaTile } from './tile_mma.ts'

export type DenseType = 'f32' | 'bf16'

/** Large to small; none needs more than 99 KB of shared memory, what sm_86 and sm_89 have. */
export const fmaTiles: readonly FmaTile[] = [
  { rows: 128, columns: 128, threadRows: 8, threadColumns: 8 },
  { rows: 64, columns: 64, threadRows: 8, threadColumns: 8 },
  { rows: 32, columns: 32, threadRows: 4, threadColumns: 4 },
]
/** Warps of 64 x 64 read shared memory least: 32 mma for 8 ldmatrix. */
export const mmaTiles: readonly MmaTile[] = [
  { rows: 128, columns: 128, warpRows: 64, warpColumns: 64 },
  { rows: 64, columns: 64, warpRows: 32, warpColumns: 32 },
]
/** Sums and promoted sums fill the registers: half as wide. */
export const fp8Tiles: readonly MmaTile[] = [
  { rows: 128, columns: 128, warpRows: 64, warpColumns: 32 },
  { rows: 64, columns: 64, warpRows: 32, warpColumns: 32 },
]

/** The largest tile that gives every multiprocessor a block; on the emulator, where only work counts, the one with the least of it. */
export function chooseTile<T extends { rows: number; columns: number }>(tiles: readonly T[], M: number, N: number, copies: number, { numSms, emulated }: CudaInfo): T {
  const blocks = (t: T) => ceilDiv(M, t.rows) * ceilDiv(N, t.columns) * copies
  if (!emulated) return tiles.find((t) => blocks(t) >= numSms) ?? tiles[tiles.length - 1]
  const work = (t: T) => blocks(t) * t.rows * t.columns
  return tiles.reduce((best, t) => (work(t) < work(best) ? t : best))
}

/** Bytes that one copy may take where rows are `length` elements: whole copies only. */
export const copyBytesOf = (length: number, elementBytes: number) => [16, 4].find((bytes) => (length * elementBytes) % bytes === 0) ?? elementBytes

export type AnyTile = { dtype: 'f32'; tile: FmaTile } | { dtype: 'bf16'; tile: MmaTile }

/** The tile for `copies` products of c [M, N]. */
export const denseTile = (dtype: DenseType, M: number, N: number, copies: number, info: CudaInfo): AnyTile => dtype === 'f32'
  ? { dtype, tile: chooseTile(fmaTiles, M, N, copies, info) } : { dtype, tile: chooseTile(mmaTiles, M, N, copies, info) }

export const allTiles: readonly AnyTile[] = [...fmaTiles.map((tile) => ({ dtype: 'f32' as const, tile })), ...mmaTiles.map((tile) => ({ dtype: 'bf16' as const, tile }))]

/** Operands whose rows in memory are `aRun` and `bRun` elements long, of a c with rows of N. */
export function operandsOf({ dtype }: AnyTile, majors: Pick<Operands, 'aMajor' | 'bMajor'>, aRun: number, bRun: number, N: number, out: DenseType, plain: boolean): Operands {
  const bytes = dtype === 'f32' ? 4 : 2
  return { ...majors, aCopy: copyBytesOf(aRun, bytes), bCopy: copyBytesOf(bRun, bytes), out, pairs: dtype === 'bf16' && N % 2 === 0, plain }
}

const texts = new Map<string, string>()
/** The text of a key, made once: a launch then compares no long strings. */
export function once(key: string, make: () => string): string {
  let text = texts.get(key)
  if (text === undefined) texts.set(key, (text = make()))
  return text
}

export interface TiledKernel { readonly ptx: string; readonly tile: TileText }
const made = new Map<string, TiledKernel>()

/** The texts that differ are few; each is made once. */
function tiled(key: unknown[], body: () => TileText, text: (tile: TileText) => string): TiledKernel {
  const name = JSON.stringify(key)
  let kernel = made.get(name)
  if (!kernel) {
    const tile = body()
    made.set(name, (kernel = { ptx: text(tile), tile }))
  }
  return kernel
}

/** f32 and bf16. `name` and the tile tell the texts apart with the operands. */
export const kernelText = (name: string, any: AnyTile, operands: Operands, text: (tile: TileText) => string) =>
  tiled([name, any, operands], () => (any.dtype === 'f32' ? fmaBody(any.tile, operands) : mmaBody(any.tile, operands)), text)

/** `aRun`, `bRun`: elements of a row in memory. `N`: of a row of c. */
export function fp8KernelText(name: string, tile: MmaTile, kind: Pick<Fp8Operands, 'bMajor' | 'bScales'>, aRun: number, bRun: number, N: number, plain: boolean, text: (tile: TileText) => string): TiledKernel {
  const operands: Fp8Operands = { ...kind, plain, aCopy: copyBytesOf(aRun, 1), bCopy: copyBytesOf(bRun, 1), whole: N % (kind.bMajor === 'k' ? 2 : 4) === 0 }
  return tiled([name, tile, operands], () => fp8Body(tile, operands), text)
}
