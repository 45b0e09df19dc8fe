import { ceilDiv, u32, workgroups1d, type Binding, type Dispatch } from '../src/core/kernel.ts'
import { items } from './items.ts'
import text from './sum_rows.wgsl'

/** Second pass of a reduction: x [rows, columns] f32 -> y [columns] f32, summed in row order. */
export function sumRows(x: Binding, y: Binding, rows: number, columns: number): Dispatch {
  const { wgsl, per } = items(text, columns)
  const C = columns / per
  return { label: 'sum_rows', wgsl, entry: 'sum_rows', bindings: [x, y], uniforms: [u32(rows), u32(C)], workgroups: workgroups1d(ceilDiv(C, 64)) }
}
