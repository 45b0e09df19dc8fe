// Multi-head latent attention in the form for training. [deepseek-v3.md §1.2; arXiv 2412.19437 eq. 1-11]
import type { Tensor } from '../core/tensor.ts'
import { attentionOf } from '../ops/attention.ts'
import { mlaKv } from '../ops/mla_kv.ts'
import { rmsNorm } from '../ops/rms_norm.ts'
import { ropeOf } from '../ops/rope.ts'
import { sliceOf } from '../ops/slice.ts'
import { attentionScale, ropeFrequencies, type ModelConfig } from './config.ts'
import type { Context } from './context.ts'
import { linear } from './linear.ts'
import type { Parameter, ParameterStore } from './parameters.ts'

/** Of the two norms on the latents, whatever rms_norm_eps says. */
const latentEps = 1e-6

export class LatentAttention {
  private readonly query: { direct: Parameter } | { down: Parameter; norm: Parameter; up: Parameter }
  private readonly kvDown: Parameter // [C + R, H]: latent, then the rotated key that all heads share
  private readonly kvNorm: Parameter
  private readonly kvUp: Parameter // rows by head: [nope | value]
  private readonly out: Parameter
  private readonly scale: number

  constructor(store: ParameterStore, private readonly config: ModelConfig, private readonly layer: number) {
    const c = config
    const at = `model.layers.${layer}.self_attn`
    const H = c.hidden_size
    const qOut = c.num_attention_heads * (c.qk_nope_head_dim + c.qk_rope_head_dim) // rows by head: [nope | rope]
    this.query = c.q_lora_rank === null ? { direct: store.add(`${at}.q_proj.weight`, [qOut, H]) } : {
      down: store.add(`${at}.q_a_proj.weight`, [c.q_lora_rank, H]),
      norm: store.add(`${at}.q_a_layernorm.weight`, [c.q_lora_rank], 'one'),
      up: store.add(`${at}.q_b_proj.weight`, [qOut, c.q_lora_rank]),
    }
    this.kvDown = store.add(`${at}.kv_a_proj_with_mqa.weight`, [c.kv_lora_rank + c.qk_rope_head_dim, H])
    this.kvNorm = store.add(`${at}.kv_a_layernorm.weight`, [c.kv_lora_rank], 'one')
    this.kvUp = store.add(`${at}.kv_b_proj.weight`, [c.num_attention_heads * (c.qk_nope_head_dim + c.v_head_dim), c.kv_lora_rank])
    this.out = store.add(`${at}.o_proj.weight`, [H, c.num_attention_heads * c.v_head_dim])
    this.scale = attentionScale(c)
  }

  /** x [T, H] -> [T, H]. */
  forward(x: Tensor, ctx: Context): Tensor {
    const { num_attention_heads: heads, qk_nope_head_dim: nope, qk_rope_head_dim: R, kv_lora_rank: C, v_head_dim: valueDim } = this.config
    const T = x.shape[0]

    const q = ropeOf(this.queries(x, ctx).reshape([T, heads, nope + R]), ctx.cos, ctx.sin)

    const compressed = linear(x, this.kvDown, ctx.recipe) // [T, C + R]
    const latent = rmsNorm(sliceOf(compressed, 0, C), this.kvNorm.tensor, latentEps)
    const sharedKey = ropeOf(sliceOf(compressed, C, R).reshape([T, 1, R]), ctx.cos, ctx.sin).reshape([T, R])
    const { k, v } = mlaKv(linear(latent, this.kvUp, ctx.recipe), sharedKey, { heads, nope, valueDim })

    const o = attentionOf(q, k, v, { seqLen: ctx.seqLen, scale: this.scale }) // [T, heads, valueDim]
    const y = linear(o.reshape([T, heads * valueDim]), this.out, ctx.recipe)
    ctx.emit(`attn_out.${this.layer}`, y)
    return y
  }

  private queries(x: Tensor, { recipe }: Context): Tensor {
    const w = this.query
    if ('direct' in w) return linear(x, w.direct, recipe)
    return linear(rmsNorm(linear(x, w.down, recipe), w.norm.tensor, latentEps), w.up, recipe)
  }
}

/** cos and sin of position * frequency: each [S, qk_rope_head_dim / 2]. */
export function ropeTables(config: ModelConfig, S: number): { cos: Float32Array; sin: Float32Array } {
  const frequencies = ropeFrequencies(config)
  const half = frequencies.length
  const angle = (i: number) => Math.floor(i / half) * frequencies[i % half]
  return {
    cos: Float32Array.from({ length: S * half }, (_, i) => Math.cos(angle(i))),
    sin: Float32Array.from({ length: S * half }, (_, i) => Math.sin(angle(i))),
  }
}
