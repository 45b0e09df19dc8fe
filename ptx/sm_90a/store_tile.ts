// The end of a tile: accumulators of one warp group (64 rows) through swizzled shared memory to global memory by TMA.
import { lines, storeBox } from './pieces.ts'

export interface StoreTile {
  /** Columns of the tile, and columns staged at a time. */
  readonly bn: number
  readonly columns: number
  readonly out: 'f32' | 'bf16'
  /** To what is there already. */
  readonly adds?: boolean
  /** The accumulator d[i] of the wgmma fragment. */
  readonly value: (i: number) => string
}

/** A box is 64 rows of 128 bytes: 32 columns of f32, 64 of bf16. */
const boxColumns = (out: 'f32' | 'bf16'): number => (out === 'f32' ? 32 : 64)
/** The tensor map of c [M, N] that the tiles leave through. */
export const storeMap = (M: number, N: number, out: 'f32' | 'bf16') => ({
  tensorMap: { buffer: 'c', dataType: out === 'f32' ? 'FLOAT32' as const : 'BFLOAT16' as const, globalDim: [N, M], globalStrides: [(out === 'f32' ? 4 : 2) * N], boxDim: [boxColumns(out), 64], swizzle: '128B' as const },
})
/** Shared memory that one warp group stages in. */
export const stagingBytes = (out: 'f32' | 'bf16', columns: number): number => (columns / boxColumns(out)) * 8192

/**
 * Where this thread writes in a box, once per kernel: %chunk<q> for each of the 16-byte chunks that its columns meet.
 * Row l / 4 of the warp's 16; the swizzle XORs the chunk with row & 7, which the second half of the rows (+ 8) has too.
 * Needs %lane, %warpInGroup, %staging (of this warp group).
 */
export const storeAddresses = (out: 'f32' | 'bf16'): string => {
  const chunks = out === 'f32' ? 4 : 8
  return `  shr.u32 %rowInWarp, %lane, 2;
  and.b32 %columnPair, %lane, 3;
  shl.b32 %rowAt, %warpInGroup, 4;
  add.u32 %rowAt, %rowAt, %rowInWarp;
  shl.b32 %rowAt, %rowAt, 7;
  add.u32 %rowAt, %rowAt, %staging;
${out === 'f32'
    ? `  // f32: fragment column 8 j + 2 (l % 4) lies in chunk 2 (j % 4) + (l % 4) / 2, at its first or second half.
  shr.u32 %half, %columnPair, 1;
  and.b32 %inChunk, %columnPair, 1;
  shl.b32 %inChunk, %inChunk, 3;
  add.u32 %rowAt, %rowAt, %inChunk;
${lines(chunks, (q) => `  add.u32 %chunk${q}, %half, ${2 * q};
  xor.b32 %chunk${q}, %chunk${q}, %rowInWarp;
  shl.b32 %chunk${q}, %chunk${q}, 4;
  add.u32 %chunk${q}, %chunk${q}, %rowAt;`)}`
    : `  // bf16: fragment column 8 j + 2 (l % 4) lies in chunk j % 8, at word l % 4.
  shl.b32 %inChunk, %columnPair, 2;
  add.u32 %rowAt, %rowAt, %inChunk;
${lines(chunks, (q) => `  xor.b32 %chunk${q}, %rowInWarp, ${q};
  shl.b32 %chunk${q}, %chunk${q}, 4;
  add.u32 %chunk${q}, %chunk${q}, %rowAt;`)}`}`
}

export const storeRegisters = (out: 'f32' | 'bf16'): string =>
  `  .reg .b32 %staging, %rowInWarp, %columnPair, %rowAt, %half, %inChunk, %rowOut, %columnOut, %packed, ${Array.from({ length: out === 'f32' ? 4 : 8 }, (_, q) => `%chunk${q}`).join(', ')};`

/** Needs %m0 of this warp group's rows in %rowOut, %n0, predicate %leader (one thread of the warp group), %cMap, %groupBarrier (1 or 2). */
export function storeTile({ bn, columns, out, value, adds }: StoreTile): string {
  const perBox = boxColumns(out)
  const write = (j: number, upper: boolean): string => {
    const column = (8 * j) % columns
    const at = Math.floor(column / perBox) * 8192 + (upper ? 1024 : 0)
    const chunk = `%chunk${(column % perBox) / 8}`
    const [first, second] = [value(4 * j + (upper ? 2 : 0)), value(4 * j + (upper ? 3 : 1))]
    if (out === 'f32') return `  st.shared.v2.f32 [${chunk}+${at}], {${first}, ${second}};`
    return `  cvt.rn.bf16x2.f32 %packed, ${second}, ${first};
  st.shared.b32 [${chunk}+${at}], %packed;`
  }
  return Array.from({ length: bn / columns }, (_, pass) => `  // Columns ${pass * columns} .. ${(pass + 1) * columns - 1}. The last store must have read the staging memory before it is written again.
  @%leader cp.async.bulk.wait_group.read 0;
  bar.sync %groupBarrier, 128;
${lines(columns / 8, (j) => `${write(pass * (columns / 8) + j, false)}\n${write(pass * (columns / 8) + j, true)}`)}
  // Generic writes become visible to the async proxy before the one thread that copies is told.
  fence.proxy.async.shared::cta;
  bar.sync %groupBarrier, 128;
  @!%leader bra STORED${pass};
${lines(columns / perBox, (box) => `  add.u32 %columnOut, %n0, ${pass * columns + box * perBox};
  add.u32 %packed, %staging, ${box * 8192};
${storeBox('%cMap', '%columnOut', '%rowOut', '%packed', adds)}`)}
  cp.async.bulk.commit_group;
STORED${pass}:`).join('\n')
}
