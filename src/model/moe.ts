// Feed-forward layers: one dense SwiGLU, and a mixture of experts chosen by sigmoid scores, balanced by a bias that only the
// choice sees. [deepseek-v3.md §1.4; arXiv 2412.19437 eq. 12-20]
import { Tensor } from '../core/tensor.ts'
import { addOf } from '../ops/add.ts'
import { balance_loss } from '../ops/balance_loss.ts'
import { biasUpdate } from '../ops/bias_update.ts'
import { moeGate } from '../ops/moe_gate.ts'
import { moeLoad } from '../ops/moe_load.ts'
import { moePermute } from '../ops/moe_permute.ts'
import { moePlan } from '../ops/moe_plan.ts'
import { moeUnpermute } from '../ops/moe_unpermute.ts'
import { moeWeights } from '../ops/moe_weights.ts'
import { swigluOf } from '../ops/swiglu.ts'
import type { ModelConfig } from './config.ts'
import type { Context } from './context.ts'
import { groupedLinear, linear } from './linear.ts'
import { lasting, type Parameter, type ParameterStore } from './parameters.ts'

/** y = W_down (silu(W_gate x) * W_up x). */
export class DenseMlp {
  private readonly gateUp: Parameter // [2F, H]: gate, then up
  private readonly down: Parameter // [H, F]

  /** `at` is the name before `.gate_proj.weight`. */
  constructor(store: ParameterStore, at: string, H: number, F: number) {
    this.gateUp = store.stack(`${at}.gate_up_proj`, [2 * F, H], ['gate', 'up'].map((p) => ({ name: `${at}.${p}_proj.weight`, shape: [F, H] })))
    this.down = store.add(`${at}.down_proj.weight`, [H, F])
  }

  /** x [T, H] -> [T, H]. */
  forward(x: Tensor, { recipe }: Context): Tensor {
    return linear(swigluOf(linear(x, this.gateUp, recipe)), this.down, recipe)
  }
}

export class MixtureOfExperts {
  private readonly gate: Parameter // [E, H]: the experts' centroids
  private readonly bias: Parameter // [E], no gradient: see updateBias
  private readonly gateUp: Parameter // [E, 2F, H]
  private readonly down: Parameter // [E, H, F]
  private readonly shared: DenseMlp | undefined
  /** Tokens that each expert got since the last `updateBias`: [E] i32. */
  readonly load: Tensor

  constructor(store: ParameterStore, private readonly config: ModelConfig, readonly layer: number) {
    const { n_routed_experts: E, hidden_size: H, moe_intermediate_size: F, n_shared_experts } = config
    const at = `model.layers.${layer}.mlp`
    const experts = (projections: string[], shape: number[]) => Array.from({ length: E }, (_, e) =>
      projections.map((p) => ({ name: `${at}.experts.${e}.${p}_proj.weight`, shape }))).flat()
    this.gateUp = store.stack(`${at}.experts.gate_up_proj`, [E, 2 * F, H], experts(['gate', 'up'], [F, H]))
    this.down = store.stack(`${at}.experts.down_proj`, [E, H, F], experts(['down'], [H, F]))
    this.gate = store.add(`${at}.gate.weight`, [E, H])
    this.bias = store.add(`${at}.gate.e_score_correction_bias`, [E], 'zero', false)
    this.shared = n_shared_experts > 0 ? new DenseMlp(store, `${at}.shared_experts`, H, n_shared_experts * F) : undefined
    this.load = lasting(store.device, () => store.device.zeros('i32', [E]))
  }

  /** x [T, H] -> [T, H]: every token goes to its experts, none is dropped. */
  forward(x: Tensor, ctx: Context): Tensor {
    const { n_routed_experts: experts, num_experts_per_tok: topk, n_group, topk_group, norm_topk_prob, routed_scaling_factor } = this.config
    const { rowAlign, recipe } = ctx

    const gate = moeGate(linear(x, this.gate, 'f32'), this.bias.tensor, { groups: n_group, topkGroup: topk_group, topk })
    const indices = ctx.forcedRouting?.get(this.layer) ?? gate.topkIndices
    const scores = this.balanced(gate.scores, indices, ctx)
    const weights = moeWeights(scores, indices, { normalize: norm_topk_prob, scale: routed_scaling_factor })

    const plan = moePlan(indices, { experts, rowAlign })
    const rows = moePermute(x, plan.rowSlot, plan.slotRow, { topk }) // [P, H], sorted by expert
    const inner = swigluOf(groupedLinear(rows, this.gateUp, plan.offsets, recipe, rowAlign))
    const outputs = groupedLinear(inner, this.down, plan.offsets, recipe, rowAlign)
    const routed = moeUnpermute(outputs, weights, plan.slotRow, plan.rowSlot)

    if (ctx.countLoad) moeLoad(plan.counts, this.load)
    const names = { scores: gate.scores, topk_indices: indices, topk_weights: weights, counts: plan.counts }
    for (const [name, t] of Object.entries(names)) ctx.emit(`router.${this.layer}.${name}`, t)
    return this.shared ? addOf(routed, this.shared.forward(x, ctx)) : routed
  }

  /**
   * The scores themselves; on the way back their gradient gets that of the sequence balance loss added. So the loss needs no
   * root of its own: it works inside recomputed layers and inside pipeline stages.
   */
  private balanced(scores: Tensor, indices: Tensor, ctx: Context): Tensor {
    if (ctx.balanceAlpha === 0) return scores
    const { device } = scores
    const { loss, dscores } = device.withoutTape(() =>
      device.run(balance_loss, { scores, topk_indices: indices }, { seqLen: ctx.seqLen, alpha: ctx.balanceAlpha }))
    ctx.emit(`balance.${this.layer}`, loss)
    const same = device.adopt(new Tensor(device, scores.dtype, scores.shape, scores.retain().storage))
    device.tape?.record([scores], [same], [dscores], ([g]) => ({ now: [g ? addOf(g, dscores) : dscores] }))
    return same
  }

  /** After a step: bias += gamma * sign(mean load - load), and the count begins anew. gamma 0 only does the latter. */
  updateBias(gamma: number): void {
    if (gamma !== 0) {
      biasUpdate(this.bias.tensor, this.load, { gamma })
      this.bias.changed()
    }
    this.load.device.zero(this.load)
  }

  release(): void { this.load.release() }
}
