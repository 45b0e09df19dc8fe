// Products of single bits: the number of positions where both are one (and), or where they differ (xor).
import type { Memory } from '../machine.ts'
import { popcount } from '../diagnostics.ts'
import { adds } from './products.ts'

/** `a` and `b` are linear places of the pieces of 16 bytes of each of up to 16 rows and of N columns; the rest as in Products.multiply. */
export function multiplyBits(memory: Memory, xor: boolean, a: Uint32Array, b: Uint32Array, N: number, base: number, c: Uint32Array, d: Uint32Array, flags: number): void {
  const { u32, i32 } = memory
  const place = (slots: Uint32Array, row: number, column: number) => ((base + slots[4 * (column >> 3) + 2 * (row >> 3) + (column & 1)]) >> 2) + 4 * (row & 7) + ((column & 7) >> 1)
  const along = b.length / N
  const rows = a.length / along
  // All is read before anything is written: D may be any of the operands.
  const counts = new Int32Array(rows * N)
  for (let row = 0; row < rows; row++) for (let column = 0; column < N; column++) {
    let count = 0
    for (let p = 0; p < along; p++) {
      const [x, y] = [a[row * along + p] >> 2, b[column * along + p] >> 2]
      for (let w = 0; w < 4; w++) count += popcount(xor ? u32[x + w] ^ u32[y + w] : u32[x + w] & u32[y + w])
    }
    const old = flags & adds ? i32[place(c, row, column)] : 0
    counts[row * N + column] = old + count
  }
  for (let row = 0; row < rows; row++) for (let column = 0; column < N; column++) i32[place(d, row, column)] = counts[row * N + column]
}
