import { ceilDiv, scratch, u32, type Binding, type PtxDispatch } from '../src/core/kernel.ts'
import text from './prefix_sum.ptx'

const tile = 256

/** x [n] u32 or i32 becomes its exclusive prefix sum. `sums` names the scratch memory, once per call. */
export function prefixSum(x: Binding, n: number, sums: string): PtxDispatch[] {
  const pass = (of: Binding, before: Binding, length: number, chunk: number, chunked: boolean): PtxDispatch => ({
    label: 'prefix_sum', ptx: text, entry: 'prefix_sum', args: [of, before, u32(length), u32(chunk), u32(chunked ? 1 : 0)], grid: [ceilDiv(length, chunk), 1, 1], block: [tile, 1, 1],
  })
  if (n <= 8 * tile) return [pass(x, x, n, n, false)]
  // About as many chunks as entries in each.
  const chunk = ceilDiv(Math.sqrt(n), tile) * tile
  const chunks = ceilDiv(n, chunk)
  const partial = scratch(sums, chunks * 4)
  return [
    { label: 'prefix_sum_chunks', ptx: text, entry: 'prefix_sum_chunks', args: [x, partial, u32(n), u32(chunk)], grid: [chunks, 1, 1], block: [tile, 1, 1] },
    pass(partial, partial, chunks, chunks, false),
    pass(x, partial, n, chunk, true),
  ]
}
