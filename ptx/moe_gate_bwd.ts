import { u32, type PtxKernel } from '../src/core/kernel.ts'
import { elementwise } from './elementwise.ts'
import text from './moe_gate_bwd.ptx'

export const moe_gate_bwd: PtxKernel = {
  op: 'moe_gate_bwd',
  launch({ specs: { scores } }) {
    const [T, E] = scores.shape
    return elementwise(text, 'moe_gate_bwd', ['dscores', 'scores', 'dlogits', u32(T * E)], T * E)
  },
}
