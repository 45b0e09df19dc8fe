import { ceilDiv, scratch, u32, workgroups1d, type Binding, type Dispatch, type WgslKernel } from '../src/core/kernel.ts'
import { prefixSum } from './prefix_sum.ts'
import { zero } from './zero.ts'
import count from './radix_count.wgsl'
import keyCount from './key_count.wgsl'
import sortOffsets from './sort_offsets.wgsl'
import wgsl from './sort_by_key.wgsl'

/** Keys that one invocation handles in order. The counts then take D / 128 words a key, D <= 256 digits. */
const blockKeys = 128

export const sort_by_key: WgslKernel<{ numKeys: number }> = {
  op: 'sort_by_key',
  launch({ specs: { keys }, attrs: { numKeys } }) {
    return sortByKey('keys', 'order', 'offsets', keys.shape[0], numKeys)
  },
}

/** The dispatches of sort_by_key, for other kernels that sort: least significant digit first, 8 bits a pass. */
export function sortByKey(keys: Binding, order: Binding, offsets: Binding, N: number, numKeys: number): Dispatch[] {
  const blocks = ceilDiv(N, blockKeys)
  const passes = Math.ceil(Math.log2(numKeys + 1) / 8) || 1
  const digits = Math.min(256, numKeys + 1)
  const place = scratch('place', digits * blocks * 4)
  const all: Dispatch[] = []
  let from: Binding = keys // never read in the first pass, but a binding must hold some buffer
  for (let p = 0; p < passes; p++) {
    const to = p === passes - 1 ? order : scratch(`order${p % 2}`, N * 4)
    const uniforms = [u32(N), u32(numKeys), u32(blocks), u32(blockKeys), u32(digits), u32(8 * p), u32(p === 0 ? 1 : 0)]
    const workgroups = workgroups1d(ceilDiv(blocks, 64))
    all.push(
      { label: 'radix_count', wgsl: count, entry: 'radix_count', bindings: [keys, from, place], uniforms, workgroups },
      ...prefixSum(place, digits * blocks, 'place_sums'),
      { label: 'sort_by_key', wgsl, entry: 'sort_by_key', bindings: [keys, from, place, to], uniforms, workgroups },
    )
    from = to
  }
  if (passes === 1) {
    all.push({ label: 'sort_offsets', wgsl: sortOffsets, entry: 'sort_offsets', bindings: [place, offsets], uniforms: [u32(numKeys), u32(blocks)], workgroups: [ceilDiv(numKeys + 1, 64), 1, 1] })
  } else {
    all.push(
      zero(offsets, numKeys + 1),
      { label: 'key_count', wgsl: keyCount, entry: 'key_count', bindings: [keys, offsets], uniforms: [u32(N), u32(numKeys)], workgroups: workgroups1d(ceilDiv(N, 64)) },
      ...prefixSum(offsets, numKeys + 1, 'offset_sums'),
    )
  }
  return all
}
