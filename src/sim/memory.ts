// Bytes that every rank needs at once, by class.
import type { Schedule } from '../schedule/index.ts'
import { stageLayers } from './chunk.ts'
import type { PlanSpec } from './spec.ts'

export interface RankMemory { readonly weights: number; readonly gradients: number; readonly master: number; readonly moments: number; readonly activations: number; readonly buffers: number; readonly total: number }

/** Parameters of one layer on one GPU: those that all ranks of a group hold, and the experts of this one. */
export function layerParameters({ model, layout: { ep, tp } }: PlanSpec): { attention: number; dense: number; shared: number; experts: number } {
  const { hidden_size: H, num_attention_heads: heads, q_lora_rank, kv_lora_rank, qk_nope_head_dim: nope, qk_rope_head_dim: rope, v_head_dim: dV, moe_intermediate_size: F } = model
  const q = q_lora_rank === null ? H * heads * (nope + rope) / tp : H * q_lora_rank + q_lora_rank * heads * (nope + rope) / tp
  return {
    attention: q + H * (kv_lora_rank + rope) + kv_lora_rank * heads * (nope + dV) / tp + heads * dV * H / tp,
    dense: 3 * H * model.intermediate_size / tp,
    shared: 3 * H * F * model.n_shared_experts / tp + H * model.n_routed_experts,
    experts: 3 * H * F * model.n_routed_experts / ep,
  }
}

/** Parameters that a rank holds, over its chunks: `shared` are the same on its data-parallel ranks, `experts` on fewer. */
export function rankParameters(spec: PlanSpec, schedule: Schedule): { shared: number; experts: number }[] {
  const per = layerParameters(spec)
  const stages = stageLayers(spec, schedule.numStages)
  const { vocab_size: V, hidden_size: H } = spec.model
  return schedule.places.map((chunks) => {
    const own = chunks.map(({ stage }) => stages[stage])
    // Embedding and head are there once, whatever ends of the pipe meet on a rank; MTP shares both.
    const tables = (own.some((s) => s.first || s.mtp > 0) ? 1 : 0) + (own.some((s) => s.last || s.mtp > 0) ? 1 : 0)
    return {
      shared: own.reduce((sum, s) => sum + (s.dense + s.moe) * per.attention + s.dense * per.dense + s.moe * per.shared, 0) + tables * V * H / spec.layout.tp,
      experts: own.reduce((sum, s) => sum + s.moe * per.experts, 0),
    }
  })
}

/** Saved for backward, a token and layer: latents, attention's result, the experts' rows and what their activation takes. */
export function activationBytes({ model, precision, recompute, layout: { tp } }: PlanSpec): { attention: number; dense: number; moe: number } {
  const { hidden_size: H, num_attention_heads: heads, q_lora_rank, kv_lora_rank, qk_nope_head_dim: nope, qk_rope_head_dim: rope, v_head_dim: dV } = model
  const low = precision === 'fp8' ? 1 : 2
  if (recompute === 'full') return { attention: 2 * H / tp, dense: 0, moe: 0 }
  const latents = 2 * ((q_lora_rank ?? 0) + kv_lora_rank + rope)
  const heldUp = recompute === 'selective' ? 0 : 2 * heads * (2 * (nope + rope) + dV)
  const attention = 2 * H + latents + heldUp + (precision === 'fp8' ? 1.5 : 2) * heads * dV + 8 * heads
  const gated = (rows: number, width: number) => rows * low * (H + 2 * width)
  return { attention: attention / tp, dense: (2 * H + gated(1, model.intermediate_size)) / tp, moe: (2 * H + gated(model.num_experts_per_tok, model.moe_intermediate_size) + gated(1, model.n_shared_experts * model.moe_intermediate_size)) / tp }
}

/** `peakInFlight`: chunks that each rank keeps at most. */
export function memoryOf(spec: PlanSpec, schedule: Schedule, peakInFlight: readonly number[], imbalance: number): RankMemory[] {
  const { layout, precision, cluster, model } = spec
  const replicas = cluster.nodes * cluster.gpusPerNode / (layout.pp * layout.tp)
  const spread = layout.zero === 1 ? replicas : 1
  const expertSpread = layout.zero === 1 ? Math.max(1, replicas * layout.tp / layout.ep) : 1
  const per = activationBytes(spec)
  const stages = stageLayers(spec, schedule.numStages)
  const tokens = layout.microBatch * layout.sequenceLength
  return rankParameters(spec, schedule).map(({ shared, experts }, rank) => {
    const all = shared + experts
    const perChunk = schedule.places[rank].map(({ stage }) => {
      const s = stages[stage]
      return tokens * ((s.dense + s.moe) * per.attention + s.dense * per.dense + s.moe * per.moe * imbalance)
    })
    const memory = {
      weights: all * (precision === 'fp8' ? 3 : 2), // bf16, and the fp8 form that products read
      gradients: all * 4,
      master: 4 * (shared / spread + experts / expertSpread),
      moments: (precision === 'fp8' ? 4 : 8) * (shared / spread + experts / expertSpread), // two, bf16 or f32
      activations: peakInFlight[rank] * (perChunk.reduce((a, b) => a + b, 0) / perChunk.length),
      // Dispatched rows of one forward and one backward, logits of one micro-batch.
      buffers: tokens * model.num_experts_per_tok * model.hidden_size * 2 * 2 * imbalance / layout.tp + (schedule.places[rank].some(({ stage }) => stages[stage].last) ? tokens * model.vocab_size * 6 / layout.tp : 0),
    }
    return { ...memory, total: Object.values(memory).reduce((a, b) => a + b, 0) }
  })
}
