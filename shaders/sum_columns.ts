import { ceilDiv, u32, workgroups1d, type Binding, type Dispatch } from '../src/core/kernel.ts'
import wgsl from './sum_columns.wgsl'

/** x [rows, columns] f32 -> y [rows] f32, each row summed in a fixed order. */
export const sumColumns = (x: Binding, y: Binding, rows: number, columns: number): Dispatch => ({
  label: 'sum_columns', wgsl, entry: 'sum_columns', bindings: [x, y],
  uniforms: [u32(rows), u32(columns)], workgroups: workgroups1d(ceilDiv(rows, 64)),
})
