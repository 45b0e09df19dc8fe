// cross_entropy: losses = logsumexp(logits) - logits[target], total = scale * sum(losses), dlogits = scale * (softmax(logits) - onehot).
import { defineOp } from '../core/op.ts'
import { need, spec } from '../core/shape.ts'
import type { Tensor } from '../core/tensor.ts'

export interface CrossEntropyAttrs { readonly [key: string]: number; readonly scale: number }

/** A root: its loss `total` has gradient one, and the logits' gradient is made on the way. Target -1 leaves a row out. */
export const cross_entropy = defineOp<CrossEntropyAttrs>({
  name: 'cross_entropy',
  args: [['logits', 'in'], ['targets', 'in'], ['losses', 'out'], ['total', 'out'], ['dlogits', 'out']],
  infer({ logits, targets }) {
    need(logits.shape.length === 2 && logits.dtype === 'f32', 'cross_entropy', 'logits', logits, '[T, V] f32')
    const T = logits.shape[0]
    need(targets.shape.length === 1 && targets.shape[0] === T && targets.dtype === 'i32', 'cross_entropy', 'targets', targets, `[${T}] i32`)
    return { losses: spec('f32', [T]), total: spec('f32', [1]), dlogits: spec('f32', logits.shape) }
  },
  reference({ logits, targets, losses, total, dlogits }, { scale }) {
    const [T, V] = logits.shape
    let all = 0
    for (let t = 0; t < T; t++) {
      const target = targets.data[t]
      const row = logits.data.subarray(t * V, (t + 1) * V)
      const gradient = dlogits.data.subarray(t * V, (t + 1) * V)
      if (target < 0) {
        losses.data[t] = 0
        gradient.fill(0)
        continue
      }
      let max = -Infinity
      for (let i = 0; i < V; i++) max = Math.max(max, row[i])
      let sum = 0
      for (let i = 0; i < V; i++) sum += Math.exp(row[i] - max)
      const loss = Math.log(sum) - (row[target] - max)
      losses.data[t] = loss
      all += loss
      for (let i = 0; i < V; i++) gradient[i] = scale * (Math.exp(row[i] - max) / sum - (i === target ? 1 : 0))
    }
    total.data[0] = scale * all
  },
  tolerance: ({ logits }) => 4e-7 * Math.max(8, Math.log2(logits.shape[1])),
  toleranceReason: 'WGSL allows exp(x) an error of 3 + 2 |x| ULP, which exp(x) itself makes small; float32 sums of positive terms in blocks',
  saves: ['dlogits'],
  vjp({ saved: { dlogits } }, { losses, total }) {
    if (total || losses) throw new Error('cross_entropy: a gradient arrived, but its loss has gradient one: give `total` to backward as a root')
    return { now: { logits: dlogits } }
  },
})

/** logits [T, V], targets [T] i32 (-1 = ignored) -> losses [T], total [1]. */
export function crossEntropy(logits: Tensor, targets: Tensor, scale: number): { losses: Tensor; total: Tensor } {
  const { losses, total } = logits.device.run(cross_entropy, { logits, targets }, { scale })
  return { losses, total }
}
