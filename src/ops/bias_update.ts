// bias_update: bias += gamma * sign(mean(load) - load): experts that got too much are chosen less. [deepseek-v3.md §1.4]
import { defineOp } from '../core/op.ts'
import { need } from '../core/shape.ts'
import type { Tensor } from '../core/tensor.ts'

export type BiasUpdateAttrs = { readonly gamma: number }

export const bias_update = defineOp<BiasUpdateAttrs>({
  name: 'bias_update',
  args: [['bias', 'inout'], ['load', 'in']],
  infer({ bias, load }) {
    need(bias.shape.length === 1 && bias.dtype === 'f32', 'bias_update', 'bias', bias, '[E] f32')
    need(load.shape.length === 1 && load.shape[0] === bias.shape[0] && load.dtype === 'i32', 'bias_update', 'load', load, `[${bias.shape[0]}] i32`)
    return {}
  },
  reference({ bias, load }, { gamma }) {
    const E = load.data.length
    let total = 0
    for (let e = 0; e < E; e++) total += load.data[e]
    for (let e = 0; e < E; e++) bias.data[e] += gamma * Math.sign(total - load.data[e] * E) // exact: no mean is formed
  },
  tolerance: () => 2.5e-7,
  toleranceReason: 'gamma rounded to float32 and one float32 sum; the sign is integer arithmetic',
})

/** bias [E] += gamma * sign(mean(load) - load) with load [E] i32, in place. */
export function biasUpdate(bias: Tensor, load: Tensor, attrs: BiasUpdateAttrs): void {
  bias.device.run(bias_update, { bias, load }, attrs)
}
