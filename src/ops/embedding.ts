// embedding: x[t] = w[ids[t]]; an id outside 0..V-1 gives a row of zeros. [deepseek-v3.md §1.2]
import { defineOp } from '../core/op.ts'
import { need, spec } from '../core/shape.ts'
import type { Tensor } from '../core/tensor.ts'
import { embedding_bwd } from './embedding_bwd.ts'
import { sortByKey } from './sort_by_key.ts'

export const embeddingOp = defineOp({
  name: 'embedding',
  args: [['ids', 'in'], ['w', 'in'], ['x', 'out']],
  infer({ ids, w }) {
    need(ids.shape.length === 1 && ids.dtype === 'i32', 'embedding', 'ids', ids, '[T] i32')
    need(w.shape.length === 2 && w.dtype === 'f32', 'embedding', 'w', w, '[V, H] f32')
    return { x: spec('f32', [ids.shape[0], w.shape[1]]) }
  },
  reference({ ids, w, x }) {
    const [V, H] = w.shape
    for (let t = 0; t < ids.shape[0]; t++) {
      const id = ids.data[t]
      if (id < 0 || id >= V) x.data.fill(0, t * H, (t + 1) * H)
      else x.data.set(w.data.subarray(id * H, (id + 1) * H), t * H)
    }
  },
  tolerance: () => 0,
  toleranceReason: 'copies',
  saves: ['ids'],
  vjp({ saved: { ids }, specs: { w } }, { x: dy }) {
    if (!dy) return { now: {} }
    return {
      now: {},
      later: () => ({ w: ids.device.run(embedding_bwd, { dy, ...sortByKey(ids, w.shape[0]) }).dw }),
    }
  },
})

/** ids [T] i32, w [V, H] -> [T, H]. */
export function embedding(ids: Tensor, w: Tensor): Tensor {
  return w.device.run(embeddingOp, { ids, w }).x
}
