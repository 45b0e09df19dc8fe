import { f32, u32, type Binding, type PtxDispatch } from '../src/core/kernel.ts'
import text from './sum_all.ptx'

/** Last pass of a reduction: y [1] = scale * sum of x [count], added to what y holds when `keep`. */
export const sumAll = (x: Binding, y: Binding, count: number, scale: number, keep: boolean): PtxDispatch => ({
  label: 'sum_all', ptx: text, entry: 'sum_all', args: [x, y, u32(count), f32(scale), u32(keep ? 1 : 0)], grid: [1, 1, 1], block: [256, 1, 1],
})
