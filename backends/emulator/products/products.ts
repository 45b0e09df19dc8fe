// Matrix products of the tensor cores, in three steps that work on the emulator's one memory:
//
//   expand     pieces of 16 bytes (in shared memory or in registers) become rows of f32, exactly
//   transpose  rows of B become columns, in the order in which accumulator registers hold them
//   multiply   16 rows of A by N columns of B, added to accumulator registers
//
// THE ORDER of a sum is defined here, once: s = 0; for k = 0, 1, ... s = f32(s + f32(a[k] * b[k])); d = f32(s + c). Products of f16,
// bf16, tf32 and fp8 are exact in f32 (but for underflow), those of integers and their sums too. plain.ts is the definition in
// TypeScript, wasm.ts the same in WebAssembly SIMD; both give the same bits. hopper.ts rounds as the hardware does.
//
// Accumulators: register r of a tile of 16 rows and N columns holds, in lane 4 g + t, row g (+ 8 if r & 2) and column 8 (r >> 2) +
// 2 t + (r & 1) (PTX ISA 9.7.14.5, 9.7.15.5). So 4 lanes of one register are 4 even or 4 odd columns of one row: the columns of 8
// stand in a panel as 0 2 4 6 1 3 5 7, and accumulators are read and written 16 bytes at once. A register of packed f16 holds the
// even column below the odd one.
import type { ElementName } from './elements.ts'

/** All places are linear byte offsets; `table` names a list of u32 offsets from `base`. */
export interface Products {
  /** `count` pieces of 16 bytes become f32 numbers, one piece behind the other. */
  readonly expand: Readonly<Record<ElementName, (table: number, base: number, count: number, to: number) => void>>
  /** [rows, columns] becomes [columns, rows]; both multiples of 4. */
  transpose(from: number, rows: number, columns: number, to: number): void
  /** The same, with the rows of each 8 in the order 0 2 4 6 1 3 5 7; rows a multiple of 8. */
  transposePairs(from: number, rows: number, columns: number, to: number): void
  /** Columns of each 8 are put into the order 0 2 4 6 1 3 5 7, where they stand; `count` numbers. */
  pairColumns(at: number, count: number): void
  /**
   * A [16, K] by B [K, N] (columns paired), to the registers at d (and from those at c, unless flags lack `adds`), which are tables
   * of slots from `base`: N / 2 registers, N / 4 of packed f16. K a multiple of 4, N of 8.
   */
  readonly multiply: Readonly<Record<Accumulator, (a: number, K: number, b: number, N: number, base: number, c: number, d: number, flags: number) => void>>
  /** Registers named by pairs (slot, shadow) from `base`: kept in their shadows and filled with `poison`; and put back. */
  lend(table: number, base: number, count: number, poison: number): void
  giveBack(table: number, base: number, count: number): void
}
/** What an instruction multiplies: matters only where products are rounded as the hardware does. */
export interface ProductKind { readonly wgmma: boolean; readonly a: ElementName; readonly b: ElementName }
export type Accumulator = 'f32' | 'f16' | 's32'
export const adds = 1
export const saturates = 2
