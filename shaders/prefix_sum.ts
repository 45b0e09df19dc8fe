import { ceilDiv, scratch, u32, workgroups1d, type Binding, type Dispatch } from '../src/core/kernel.ts'
import wgsl from './prefix_sum.wgsl'
import one from './prefix_sum_one.wgsl'

/** x [n] u32 or i32 becomes its exclusive prefix sum. `sums` names the scratch memory, once per call. */
export function prefixSum(x: Binding, n: number, sums: string): Dispatch[] {
  const inOne = (binding: Binding, length: number): Dispatch => ({
    label: 'prefix_sum_one', wgsl: one, entry: 'prefix_sum_one', bindings: [binding], uniforms: [u32(length)], workgroups: [1, 1, 1],
  })
  if (n <= 1024) return [inOne(x, n)]
  const chunk = Math.ceil(Math.sqrt(n)) // as many chunks as entries in each
  const chunks = ceilDiv(n, chunk)
  const partial = scratch(sums, chunks * 4)
  const pass = (entry: string): Dispatch => ({
    label: 'prefix_sum', wgsl, entry, bindings: [partial, x], uniforms: [u32(n), u32(chunk)], workgroups: workgroups1d(ceilDiv(chunks, 64)),
  })
  return [pass('prefix_sum_chunks'), inOne(partial, chunks), pass('prefix_sum')]
}
