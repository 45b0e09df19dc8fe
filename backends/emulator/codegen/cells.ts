// Words in memory that compiled code and the emulator share. The global `cells` is the linear place of those of the memory, the
// global `own` of those of a function: the number of the block at each pc, then two words for each instruction, the first and
// last byte of the allocation that it touched.
import { Code, I32, type ImportedFunction } from './wasm_encoder.ts'

/**
 * Byte offsets. The first three are results of a run: warp instructions done, backward branches taken, and thread instructions of
 * those that were not done since lanes had branched over them.
 */
export const cell = { count: 0, turns: 4, skipped: 28, sharedBase: 8, sharedBytes: 12, localBase: 16, localStride: 20, paramBase: 24, addresses: 64, sources: 192 } as const
/** `addresses` and `sources`: linear addresses of 32 lanes, while an access is at work. */
export const cellBytes = 64 + 2 * 128

export const globals = ['cells', 'own'] as const
export const ownBytes = (instructions: number): number => 12 * instructions
/** Of an instruction's two words, from `own` on. */
export const siteAt = (instructions: number, pc: number): number => 4 * instructions + 8 * pc

/** Where the word of a cell is on the stack afterwards. */
export const loadCell = (code: Code, name: keyof typeof cell): Code => code.global(0).i32Load(cell[name])

/** `interpret(pc, mask, count)` runs one instruction for the running warp; `count`: warp instructions begun in this run. */
export const interpretImport: ImportedFunction = { name: 'interpret', params: [I32, I32, I32], results: [] }
