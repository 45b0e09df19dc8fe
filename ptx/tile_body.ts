// Puts a tile together: ring, product and store, for f32 (multiply-adds), bf16 and e4m3 (tensor cores). Which tile a call gets is
// decided in tile_choice.ts.
import { fmaDepth, fmaRegisters, fmaSetup, fmaStage, fmaStages, fmaStore, fmaThreads, fmaZero, type FmaTile } from './tile_fma.ts'
import { fp8Registers, fp8Setup, fp8Stage, fp8StoreAcross, type BScales } from './tile_fp8.ts'
import { mmaRegisters, mmaSetup, mmaStage, mmaStore, mmaThreads, mmaZero, type MmaTile } from './tile_mma.ts'
import { ringBytes, ringRegisters, ringText, type Major, type Panel, type Ring } from './tile.ts'

/** A kernel's inside with what its header and its launch must know. */
export interface TileText {
  readonly rows: number
  readonly columns: number
  readonly threads: number
  readonly smemBytes: number
  readonly elementBytes: number
  readonly maxRegisters: number
  /** `.minnctapersm`: without it ptxas spills to reach the next step of occupancy. */
  readonly residentBlocks: number
  readonly copyBytes: { readonly a: number; readonly b: number }
  readonly body: string
}

export interface Operands {
  readonly aMajor: Major
  readonly bMajor: Major
  readonly aCopy: number
  readonly bCopy: number
  readonly out: 'f32' | 'bf16'
  /** Rows of c have an even length. */
  readonly pairs: boolean
  /** See Panel. */
  readonly plain: boolean
}

const mmaDepth = 32
const mmaStages = 4

const panelOf = (name: 'a' | 'b', rows: number, depth: number, major: Major, elementBytes: 1 | 2 | 4, copyBytes: number, plain: boolean): Panel => ({ name, rows, depth, major, elementBytes, copyBytes, plain })

export function fmaBody(t: FmaTile, o: Operands): TileText {
  const threads = fmaThreads(t)
  const ring: Ring = { a: panelOf('a', t.rows, fmaDepth, o.aMajor, 4, o.aCopy, o.plain), b: panelOf('b', t.columns, fmaDepth, o.bMajor, 4, o.bCopy, o.plain), stages: fmaStages, threads }
  return {
    rows: t.rows, columns: t.columns, threads, smemBytes: ringBytes(ring), elementBytes: 4,
    maxRegisters: t.threadRows === 8 ? 168 : 96, residentBlocks: threads === 256 ? 1 : t.threadRows === 8 ? 4 : 8, copyBytes: { a: o.aCopy, b: o.bCopy },
    body: `${ringRegisters}${fmaRegisters(t)}
${fmaZero(t)}
${ringText(ring, fmaSetup(ring, t, o.out), fmaStage(ring, t))}
${fmaStore(ring, t, o.out)}`,
  }
}

export function mmaBody(t: MmaTile, o: Operands): TileText {
  const threads = mmaThreads(t)
  const ring: Ring = { a: panelOf('a', t.rows, mmaDepth, o.aMajor, 2, o.aCopy, o.plain), b: panelOf('b', t.columns, mmaDepth, o.bMajor, 2, o.bCopy, o.plain), stages: mmaStages, threads }
  return {
    rows: t.rows, columns: t.columns, threads, smemBytes: ringBytes(ring), elementBytes: 2,
    maxRegisters: t.warpColumns === 64 ? 255 : 128, residentBlocks: t.warpColumns === 64 ? 2 : 4, copyBytes: { a: o.aCopy, b: o.bCopy },
    body: `${ringRegisters}${mmaRegisters(t)}
${mmaZero(t)}
${ringText(ring, mmaSetup(ring, t, o.out), mmaStage(ring, t))}
${mmaStore(t, o.out, o.pairs)}`,
  }
}

export interface Fp8Operands {
  /** a is contiguous along k always. */
  readonly bMajor: Major
  readonly bScales: BScales
  readonly aCopy: number
  readonly bCopy: number
  /** Of c's rows: their length is a multiple of 2 (b along k) or 4 (b along its columns), so that a lane's neighbours are stored at once. */
  readonly whole: boolean
  readonly plain: boolean
}

/** The kernel gives %aScale, %bScale and %kTiles too. Two stages of 128 k: the one that is multiplied and the one that is on its way. */
export function fp8Body(t: MmaTile, o: Fp8Operands): TileText {
  const threads = mmaThreads(t)
  const ring: Ring = { a: panelOf('a', t.rows, 128, 'k', 1, o.aCopy, o.plain), b: panelOf('b', t.columns, 128, o.bMajor, 1, o.bCopy, o.plain), stages: 2, threads }
  return {
    rows: t.rows, columns: t.columns, threads, smemBytes: ringBytes(ring), elementBytes: 1,
    maxRegisters: threads === 256 ? 255 : 168, residentBlocks: threads === 256 ? 1 : 3, copyBytes: { a: o.aCopy, b: o.bCopy },
    body: `${ringRegisters}${fp8Registers(t, o.bScales)}
${mmaZero(t)}
${ringText(ring, fp8Setup(ring, t, o.bScales), fp8Stage(ring, t, o.bScales))}
${o.bMajor === 'k' ? mmaStore(t, 'f32', o.whole) : fp8StoreAcross(t, o.whole)}`,
  }
}
