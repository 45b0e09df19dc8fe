import { u32, type PtxKernel } from '../src/core/kernel.ts'
import { elementwise } from './elementwise.ts'
import text from './moe_load.ptx'

export const moe_load: PtxKernel = {
  op: 'moe_load',
  launch({ specs: { load } }) {
    const E = load.shape[0]
    return elementwise(text, 'moe_load', ['counts', 'load', u32(E)], E)
  },
}
