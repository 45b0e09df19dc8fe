import { ceilDiv, scratch, u32, type Binding, type PtxDispatch, type PtxKernel } from '../src/core/kernel.ts'
import { elementwise } from './elementwise.ts'
import { prefixSum } from './prefix_sum.ts'
import text from './sort_by_key.ptx'

/** Keys of a block. The counts then take D / 1024 words a key, D <= 256 digits. */
const blockKeys = 1024

export const sort_by_key: PtxKernel<{ numKeys: number }> = {
  op: 'sort_by_key',
  launch: ({ specs: { keys }, attrs: { numKeys } }) => sortByKey('keys', 'order', 'offsets', keys.shape[0], numKeys),
}

/** The launches of sort_by_key, for other kernels that sort. */
export function sortByKey(keys: Binding, order: Binding, offsets: Binding, N: number, numKeys: number): PtxDispatch[] {
  const blocks = ceilDiv(N, blockKeys)
  const passes = Math.ceil(Math.log2(numKeys + 1) / 8) || 1
  const digits = Math.min(256, numKeys + 1)
  const place = scratch('place', digits * blocks * 4)
  const all: PtxDispatch[] = []
  let from: Binding = keys // not read in the first pass
  for (let p = 0; p < passes; p++) {
    const to = p === passes - 1 ? order : scratch(`order${p % 2}`, N * 4)
    const scalars = [u32(N), u32(numKeys), u32(blocks), u32(digits), u32(8 * p), u32(p === 0 ? 1 : 0)]
    const shape = { ptx: text, grid: [blocks, 1, 1], block: [256, 1, 1] } as const
    all.push(
      { ...shape, label: 'sort_by_key_count', entry: 'sort_by_key_count', args: [keys, from, place, ...scalars] },
      ...prefixSum(place, digits * blocks, 'place_sums'),
      { ...shape, label: 'sort_by_key', entry: 'sort_by_key', args: [keys, from, place, to, ...scalars] },
    )
    from = to
  }
  return [...all, ...elementwise(text, 'sort_by_key_offsets', [keys, order, offsets, u32(N), u32(numKeys)], numKeys + 1)]
}
