import { scratch, type WgslKernel } from '../src/core/kernel.ts'
import { attentionDispatch } from './attention.ts'
import { attentionBwdKeysWgsl, attentionBwdQueriesWgsl } from './attention.wgsl.ts'

export const attention_bwd: WgslKernel<{ seqLen: number; scale: number }> = {
  op: 'attention_bwd',
  launch({ specs, attrs }, gpu) {
    const delta = scratch('delta', specs.q.shape[0] * specs.q.shape[1] * 4)
    return [
      {
        label: 'attention_bwd_queries', entry: 'attention_bwd_queries', bindings: ['dout', 'q', 'k', 'v', 'o', 'lse', 'dq', delta],
        ...attentionDispatch(attentionBwdQueriesWgsl, 3, specs, attrs, gpu),
      },
      {
        label: 'attention_bwd_keys', entry: 'attention_bwd_keys', bindings: ['dout', 'q', 'k', 'v', 'lse', delta, 'dk', 'dv'],
        ...attentionDispatch(attentionBwdKeysWgsl, 3, specs, attrs, gpu),
      },
    ]
  },
}
