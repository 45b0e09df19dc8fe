// Multi-token prediction of depth one: from what the model knows at position i and the token at i + 1, predict the token at
// i + 2 through one more block; embedding and head are the model's own. [deepseek-v3.md §1.5; arXiv 2412.19437 eq. 21-25]
import type { Tensor } from '../core/tensor.ts'
import { concatOf } from '../ops/concat.ts'
import { rmsNorm } from '../ops/rms_norm.ts'
import { Block } from './block.ts'
import type { ModelConfig } from './config.ts'
import type { Context } from './context.ts'
import { linear } from './linear.ts'
import type { Parameter, ParameterStore } from './parameters.ts'

export class MultiTokenPrediction {
  readonly block: Block
  private readonly embeddingNorm: Parameter
  private readonly hiddenNorm: Parameter
  private readonly projection: Parameter // [H, 2H]: columns [embedding | hidden], as the released weights have it
  private readonly headNorm: Parameter

  constructor(store: ParameterStore, private readonly config: ModelConfig, layer: number) {
    const at = `model.layers.${layer}`
    const H = config.hidden_size
    this.embeddingNorm = store.add(`${at}.enorm.weight`, [H], 'one')
    this.hiddenNorm = store.add(`${at}.hnorm.weight`, [H], 'one')
    this.projection = store.add(`${at}.eh_proj.weight`, [H, 2 * H])
    this.block = new Block(store, config, layer)
    this.headNorm = store.add(`${at}.shared_head.norm.weight`, [H], 'one')
  }

  /**
   * hidden [T, H] after the model's final norm (what the released weights were trained on: vLLM #47448, ATOM #1764),
   * embedded [T, H] of the tokens one further -> [T, H], ready for the head.
   */
  forward(hidden: Tensor, embedded: Tensor, ctx: Context, runBlock: (block: Block, x: Tensor, ctx: Context) => Tensor): Tensor {
    const eps = this.config.rms_norm_eps
    const both = concatOf(rmsNorm(embedded, this.embeddingNorm.tensor, eps), rmsNorm(hidden, this.hiddenNorm.tensor, eps))
    const y = runBlock(this.block, linear(both, this.projection, ctx.recipe), ctx)
    return rmsNorm(y, this.headNorm.tensor, eps)
  }
}
