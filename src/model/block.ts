// One transformer block: h = x + attention(norm(x)), y = h + mlp(norm(h)).
import type { Tensor } from '../core/tensor.ts'
import { addOf } from '../ops/add.ts'
import { rmsNorm } from '../ops/rms_norm.ts'
import type { ModelConfig } from './config.ts'
import type { Context } from './context.ts'
import { LatentAttention } from './mla.ts'
import { DenseMlp, MixtureOfExperts } from './moe.ts'
import type { Parameter, ParameterStore } from './parameters.ts'

export class Block {
  readonly moe: MixtureOfExperts | undefined
  private readonly attentionNorm: Parameter
  private readonly attention: LatentAttention
  private readonly mlpNorm: Parameter
  private readonly mlp: DenseMlp | MixtureOfExperts

  constructor(store: ParameterStore, private readonly config: ModelConfig, readonly layer: number) {
    const at = `model.layers.${layer}`
    const H = config.hidden_size
    this.attentionNorm = store.add(`${at}.input_layernorm.weight`, [H], 'one')
    this.attention = new LatentAttention(store, config, layer)
    this.mlpNorm = store.add(`${at}.post_attention_layernorm.weight`, [H], 'one')
    if (layer < config.first_k_dense_replace) this.mlp = new DenseMlp(store, `${at}.mlp`, H, config.intermediate_size)
    else this.mlp = this.moe = new MixtureOfExperts(store, config, layer)
  }

  /** x [T, H] -> [T, H]. */
  forward(x: Tensor, ctx: Context): Tensor {
    const eps = this.config.rms_norm_eps
    const h = addOf(x, this.attention.forward(rmsNorm(x, this.attentionNorm.tensor, eps), ctx))
    const mlp = this.mlp.forward(rmsNorm(h, this.mlpNorm.tensor, eps), ctx)
    ctx.emit(`mlp_out.${this.layer}`, mlp)
    return addOf(h, mlp)
  }
}
