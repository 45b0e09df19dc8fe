// moe_load: load += counts: tokens that each expert got since the last bias update.
import { defineOp } from '../core/op.ts'
import { need, sameShape } from '../core/shape.ts'
import type { Tensor } from '../core/tensor.ts'

export const moe_load = defineOp({
  name: 'moe_load',
  args: [['counts', 'in'], ['load', 'inout']],
  infer({ counts, load }) {
    need(counts.shape.length === 1 && counts.dtype === 'i32', 'moe_load', 'counts', counts, '[E] i32')
    need(sameShape(load.shape, counts.shape) && load.dtype === 'i32', 'moe_load', 'load', load, `[${counts.shape[0]}] i32`)
    return {}
  },
  reference({ counts, load }) {
    for (let e = 0; e < load.data.length; e++) load.data[e] += counts.data[e]
  },
  tolerance: () => 0,
  toleranceReason: 'integers',
})

/** load [E] i32 += counts [E] i32, in place. */
export function moeLoad(counts: Tensor, load: Tensor): void {
  load.device.run(moe_load, { counts, load })
}
