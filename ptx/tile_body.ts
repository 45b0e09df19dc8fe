// Puts a tile together: ring, product and store, for f32 (multiply-adds) and bf16 (tensor cores). Which tile a call gets is
// decided in tile_choice.ts.
import { fmaDepth, fmaRegisters, fmaSetup, fmaStage, fmaStages, fmaStore, fmaThreads, fmaZero, type FmaTile } from './tile_fma.ts'
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
}

const mmaDepth = 32
const mmaStages = 4

export function fmaBody(t: FmaTile, o: Operands): TileText {
  const threads = fmaThreads(t)
  const panel = (name: 'a' | 'b', rows: number, major: Major, copyBytes: number): Panel => ({ name, rows, depth: fmaDepth, major, elementBytes: 4, copyBytes })
  const ring: Ring = { a: panel('a', t.rows, o.aMajor, o.aCopy), b: panel('b', t.columns, o.bMajor, o.bCopy), stages: fmaStages, threads }
  return {
    rows: t.rows, columns: t.columns, threads, smemBytes: ringBytes(ring), elementBytes: 4, maxRegisters: t.threadRows === 8 ? 168 : 96, residentBlocks: threads === 256 ? 1 : t.threadRows === 8 ? 4 : 8, copyBytes: { a: o.aCopy, b: o.bCopy },
    body: `${ringRegisters}${fmaRegisters(t)}
${fmaZero(t)}
${ringText(ring, fmaSetup(ring, t, o.out), fmaStage(ring, t))}
${fmaStore(ring, t, o.out)}`,
  }
}

export function mmaBody(t: MmaTile, o: Operands): TileText {
  const threads = mmaThreads(t)
  const panel = (name: 'a' | 'b', rows: number, major: Major, copyBytes: number): Panel => ({ name, rows, depth: mmaDepth, major, elementBytes: 2, copyBytes })
  const ring: Ring = { a: panel('a', t.rows, o.aMajor, o.aCopy), b: panel('b', t.columns, o.bMajor, o.bCopy), stages: mmaStages, threads }
  return {
    rows: t.rows, columns: t.columns, threads, smemBytes: ringBytes(ring), elementBytes: 2, maxRegisters: 128, residentBlocks: threads === 256 ? 2 : 4, copyBytes: { a: o.aCopy, b: o.bCopy },
    body: `${ringRegisters}${mmaRegisters(t)}
${mmaZero(t)}
${ringText(ring, mmaSetup(ring, t, o.out), mmaStage(ring, t))}
${mmaStore(t, o.out, o.pairs)}`,
  }
}
