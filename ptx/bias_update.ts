import { f32, u32, type PtxKernel } from '../src/core/kernel.ts'
import type { BiasUpdateAttrs } from '../src/ops/bias_update.ts'
import { elementwise } from './elementwise.ts'
import text from './bias_update.ptx'

export const bias_update: PtxKernel<BiasUpdateAttrs> = {
  op: 'bias_update',
  launch({ specs: { bias }, attrs: { gamma } }) {
    const [E] = bias.shape
    return elementwise(text, 'bias_update', ['bias', 'load', u32(E), f32(gamma)], E)
  },
}
