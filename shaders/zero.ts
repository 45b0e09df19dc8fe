import { ceilDiv, u32, workgroups1d, type Binding, type Dispatch } from '../src/core/kernel.ts'
import { items } from './items.ts'
import text from './zero.wgsl'

/** Sets n 4-byte words of x to zero. */
export function zero(x: Binding, n: number): Dispatch {
  const { wgsl, per } = items(text, n)
  return { label: 'zero', wgsl, entry: 'zero', bindings: [x], uniforms: [u32(n / per)], workgroups: workgroups1d(ceilDiv(n / per, 64)) }
}
