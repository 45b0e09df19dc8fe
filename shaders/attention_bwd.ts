import { scratch, type WgslKernel } from '../src/core/kernel.ts'
import { attentionGrid, textFor } from './attention.ts'
import { attentionBwdKeysWgsl, attentionBwdQueriesWgsl } from './attention.wgsl.ts'

export const attention_bwd: WgslKernel<{ seqLen: number; scale: number }> = {
  op: 'attention_bwd',
  launch({ specs, attrs }) {
    const delta = scratch('delta', specs.q.shape[0] * specs.q.shape[1] * 4)
    return [
      {
        label: 'attention_bwd_queries', wgsl: textFor(attentionBwdQueriesWgsl, specs), entry: 'attention_bwd_queries',
        bindings: ['dout', 'q', 'k', 'v', 'o', 'lse', 'dq', delta], ...attentionGrid(specs, attrs),
      },
      {
        label: 'attention_bwd_keys', wgsl: textFor(attentionBwdKeysWgsl, specs), entry: 'attention_bwd_keys',
        bindings: ['dout', 'q', 'k', 'v', 'lse', delta, 'dk', 'dv'], ...attentionGrid(specs, attrs),
      },
    ]
  },
}
