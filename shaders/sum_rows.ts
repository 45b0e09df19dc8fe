import { ceilDiv, u32, workgroups1d, type Binding, type Dispatch } from '../src/core/kernel.ts'
import wgsl from './sum_rows.wgsl'

/** Second pass of a reduction: x [rows, columns] f32 -> y [columns] f32, summed in row order. */
export const sumRows = (x: Binding, y: Binding, rows: number, columns: number): Dispatch => ({
  label: 'sum_rows', wgsl, entry: 'sum_rows', bindings: [x, y],
  uniforms: [u32(rows), u32(columns)], workgroups: workgroups1d(ceilDiv(columns, 64)),
})
