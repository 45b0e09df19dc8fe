import { ceilDiv, u32, workgroups1d, type Binding, type Dispatch } from '../src/core/kernel.ts'
import wgsl from './zero.wgsl'

/** Sets n 4-byte words of x to zero. */
export const zero = (x: Binding, n: number): Dispatch => ({
  label: 'zero', wgsl, entry: 'zero', bindings: [x], uniforms: [u32(n)], workgroups: workgroups1d(ceilDiv(n, 64)),
})
