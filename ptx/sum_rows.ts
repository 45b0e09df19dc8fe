import { ceilDiv, u32, type Binding, type PtxDispatch } from '../src/core/kernel.ts'
import text from './sum_rows.ptx'

/** x [rows, columns] f32 -> y [columns] f32, each column summed in order. */
export const sumRows = (x: Binding, y: Binding, rows: number, columns: number): PtxDispatch => ({
  label: 'sum_rows', ptx: text, entry: 'sum_rows', args: [x, y, u32(rows), u32(columns)], grid: [ceilDiv(columns, 128), 1, 1], block: [128, 1, 1],
})
