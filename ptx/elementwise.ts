import { ceilDiv, type PtxDispatch } from '../src/core/kernel.ts'

/** One thread an element, 256 a block: the launch of every kernel that says so in its header. */
export function elementwise(ptx: string, entry: string, args: PtxDispatch['args'], count: number): readonly PtxDispatch[] {
  return count === 0 ? [] : [{ ptx, entry, args, grid: [ceilDiv(count, 256), 1, 1], block: [256, 1, 1] }]
}
