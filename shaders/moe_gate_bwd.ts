import { ceilDiv, u32, workgroups1d, type WgslKernel } from '../src/core/kernel.ts'
import { items } from './items.ts'
import text from './moe_gate_bwd.wgsl'

export const moe_gate_bwd: WgslKernel = {
  op: 'moe_gate_bwd',
  launch({ specs: { scores } }) {
    const elements = scores.shape[0] * scores.shape[1]
    const { wgsl, per } = items(text, elements)
    const n = elements / per
    return [{ wgsl, entry: 'moe_gate_bwd', bindings: ['dscores', 'scores', 'dlogits'], uniforms: [u32(n)], workgroups: workgroups1d(ceilDiv(n, 64)) }]
  },
}
