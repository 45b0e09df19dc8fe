// Seconds of computation of one transformer layer on one GPU for one micro-batch, from FLOP, bytes and the efficiencies.
import type { PlanSpec } from './spec.ts'

/** Forward, gradient of the input (what is made again included), gradient of the weights. */
export interface Compute { readonly forward: number; readonly input: number; readonly weight: number }

const add = (...parts: readonly Compute[]): Compute => parts.reduce((a, b) => ({ forward: a.forward + b.forward, input: a.input + b.input, weight: a.weight + b.weight }))

export class LayerCosts {
  /** Tokens of a micro-batch on one GPU; heads are split over tensor-parallel ranks, tokens of norms too. */
  readonly tokens: number
  private readonly share: number

  constructor(private readonly spec: PlanSpec) {
    const { layout, cluster, communicationSms } = spec
    this.tokens = layout.microBatch * layout.sequenceLength
    this.share = (cluster.gpu.numSms - communicationSms) / cluster.gpu.numSms
  }

  /** Scores, softmax and values of all heads, causal; backward is two and a half times the work. */
  attentionCore(): Compute {
    const { model: { num_attention_heads, qk_nope_head_dim, qk_rope_head_dim, v_head_dim }, layout: { tp, sequenceLength: S }, efficiency, cluster: { gpu } } = this.spec
    const flop = this.tokens * S * (num_attention_heads / tp) * (qk_nope_head_dim + qk_rope_head_dim + v_head_dim)
    const peak = gpu.bf16FlopPerSec * this.share
    return { forward: flop / (peak * efficiency.attention), input: 2.5 * flop / (peak * efficiency.attentionBackward), weight: 0 }
  }

  /** Multi-head latent attention with its norm and residual. */
  attention(): Compute {
    const { model, layout: { tp }, efficiency, recompute } = this.spec
    const { hidden_size: H, num_attention_heads, q_lora_rank, kv_lora_rank, qk_nope_head_dim, qk_rope_head_dim, v_head_dim } = model
    const T = this.tokens
    const heads = num_attention_heads / tp
    const [dQk, dV] = [qk_nope_head_dim + qk_rope_head_dim, v_head_dim]
    const down = q_lora_rank === null ? this.linear(T, kv_lora_rank + qk_rope_head_dim, H) : this.linear(T, q_lora_rank + kv_lora_rank + qk_rope_head_dim, H)
    const up = add(this.linear(T, heads * dQk, q_lora_rank ?? H), this.linear(T, heads * (qk_nope_head_dim + dV), kv_lora_rank))
    const out = this.linear(T, H, heads * dV)
    const core = this.attentionCore()
    // Norm and cast (read bf16, write bf16 and fp8), rope and the joining of heads, cast of the result, residual.
    const width = heads * (dQk + dV)
    const forwardBytes = T * (11 * H + 6 * width + 3 * heads * dV)
    const elementwise = { forward: this.bytes(forwardBytes), input: this.bytes(efficiency.backwardPasses * forwardBytes), weight: this.bytes(this.retile([[H, (q_lora_rank ?? 0) + kv_lora_rank], [q_lora_rank ?? H, heads * dQk], [kv_lora_rank, heads * (qk_nope_head_dim + dV)], [heads * dV, H]], T)) }
    const again = recompute === 'full' ? down.forward + up.forward + core.forward + out.forward : recompute === 'selective' ? up.forward : 0
    return add(down, up, out, core, elementwise, { forward: 0, input: again, weight: 0 })
  }

  /** A gated MLP of `width` on `rows` rows: a dense layer, the shared expert. */
  mlp(rows: number, width: number): Compute {
    const { model: { hidden_size: H }, recompute, layout: { tp } } = this.spec
    const both = add(this.linear(rows, 2 * width / tp, H), this.linear(rows, H, width / tp))
    return add(both, this.gated(rows, width / tp), { forward: 0, input: recompute === 'full' ? both.forward : 0, weight: 0 })
  }

  /**
   * Routed experts: `rows` arrive at this GPU for `experts` experts, each padded to 128 rows. Gather, products, gated
   * activation, weighted scatter.
   */
  experts(rows: number, experts: number): Compute {
    const { model: { hidden_size: H, moe_intermediate_size: F }, recompute } = this.spec
    const padded = rows + 64 * experts
    const both = add(this.linear(padded, 2 * F, H, experts), this.linear(padded, H, F, experts))
    const moved = rows * H * 2 * this.elementBytes + rows * H * 4
    const moves = { forward: this.bytes(moved), input: this.bytes(this.spec.efficiency.backwardPasses * moved), weight: 0 }
    return add(both, this.gated(padded, F), moves, { forward: 0, input: recompute === 'full' ? both.forward : 0, weight: 0 })
  }

  /** Gate: a bf16 product of few columns, and the choice. */
  gate(): Compute {
    const { hidden_size: H, n_routed_experts: E } = this.spec.model
    const once = this.bytes(this.tokens * (2 * H + 12 * E))
    return { forward: once, input: once, weight: once }
  }

  /** Head and loss, bf16; the embedding is a gather. */
  head(): Compute {
    const { vocab_size: V, hidden_size: H } = this.spec.model
    const { gpu } = this.spec.cluster
    const T = this.tokens / this.spec.layout.tp
    const product = 2 * T * V * H / (gpu.bf16FlopPerSec * this.share * this.spec.efficiency.gemm)
    return { forward: product + this.bytes(8 * T * V), input: product, weight: product }
  }
  embedding(): Compute { const once = this.bytes(this.tokens * this.spec.model.hidden_size * 6); return { forward: once, input: 0, weight: once } }

  private get elementBytes(): number { return this.spec.precision === 'fp8' ? 1 : 2 }

  /** Activation between the two products, cast of it; backward makes it again and casts gradients. */
  private gated(rows: number, width: number): Compute {
    const { model: { hidden_size: H }, efficiency } = this.spec
    const forward = rows * width * (4 + this.elementBytes)
    return { forward: this.bytes(forward), input: this.bytes(efficiency.backwardPasses * forward), weight: this.bytes(this.retile([[H, 2 * width], [width, H]], rows)) }
  }

  /** fp8 weight gradients sum over tokens: saved inputs are cast anew in tiles along them (read and write a byte), gradients get a second form beside the first (write one). */
  private retile(sizes: readonly (readonly [number, number])[], rows: number): number {
    return this.spec.precision === 'fp8' ? sizes.reduce((sum, [k, n]) => sum + rows * (2 * k + n), 0) : 0
  }

  private bytes(n: number): number {
    const { cluster: { gpu }, efficiency } = this.spec
    return n / (gpu.memoryBytesPerSec * efficiency.elementwise)
  }

  /** y [M, N] = x [M, K] W, with both gradients. `groups` weights of that size share the rows. */
  linear(M: number, N: number, K: number, groups = 1): Compute {
    const { cluster: { gpu }, efficiency, precision } = this.spec
    const peak = (precision === 'fp8' ? gpu.fp8FlopPerSec : gpu.bf16FlopPerSec) * this.share
    const store = (bytes: number) => bytes / (gpu.memoryBytesPerSec * efficiency.gemmStore)
    const flop = 2 * M * N * K
    return {
      forward: flop / (peak * efficiency.gemm) + store(2 * M * N) + efficiency.launchSec,
      input: flop / (peak * efficiency.gemm) + store(2 * M * K) + efficiency.launchSec,
      weight: flop / (peak * efficiency.gemmWeight) + store(8 * N * K * groups) + efficiency.launchSec,
    }
  }
}
