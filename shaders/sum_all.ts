import { f32, u32, type Binding, type Dispatch } from '../src/core/kernel.ts'
import wgsl from './sum_all.wgsl'

/** Last pass of a reduction: y [1] = scale * sum of x [count], added to what y holds when `keep`. For counts up to some thousands. */
export const sumAll = (x: Binding, y: Binding, count: number, scale: number, keep: boolean): Dispatch => ({
  label: 'sum_all', wgsl, entry: 'sum_all', bindings: [x, y], uniforms: [u32(count), f32(scale), u32(keep ? 1 : 0)], workgroups: [1, 1, 1],
})
