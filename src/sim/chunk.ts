// What the steps of a schedule cost: the layers of every stage, their computation and their all-to-alls, alone and overlapped.
import type { Place, StepKind } from '../schedule/index.ts'
import type { AllToAll } from './all_to_all.ts'
import { LayerCosts, type Compute } from './layer.ts'
import type { Traffic } from './routing.ts'
import type { PlanSpec } from './spec.ts'

/** One stage and micro-batch. `communication` is forward (dispatch, combine) and backward (of gradients). */
export interface StageCost { readonly compute: Compute; readonly communicationForward: number; readonly communicationBackward: number; readonly layers: number }

export interface StageLayers { readonly dense: number; readonly moe: number; readonly first: boolean; readonly last: boolean; readonly mtp: number }

/**
 * Layers over stages, MTP counted as one, as even as it goes. The stages with a layer less are the first and the last ones, which have
 * embedding and head beside; how DeepSeek laid them out is not published.
 */
export function stageLayers({ model }: PlanSpec, numStages: number): StageLayers[] {
  const { num_hidden_layers: L, first_k_dense_replace: dense, num_nextn_predict_layers: mtp } = model
  const total = L + mtp
  const base = Math.floor(total / numStages)
  const extra = total - base * numStages
  const short = numStages - extra
  let at = 0
  return Array.from({ length: numStages }, (_, s) => {
    const isShort = s < Math.floor(short / 2) || s >= numStages - Math.ceil(short / 2)
    const count = base + (isShort ? 0 : 1)
    const from = at
    at += count
    const own = (low: number, high: number) => Math.max(0, Math.min(at, high) - Math.max(from, low))
    return { dense: own(0, dense), moe: own(dense, L + mtp), first: s === 0, last: s === numStages - 1, mtp: own(L, L + mtp) }
  })
}

export function stageCosts(spec: PlanSpec, traffic: Traffic, a2a: AllToAll, numStages: number): StageCost[] {
  const layer = new LayerCosts(spec)
  const { model, layout: { ep, tp } } = spec
  const rows = layer.tokens * model.num_experts_per_tok / tp
  const attention = layer.attention()
  const denseMlp = layer.mlp(layer.tokens, model.intermediate_size)
  const shared = layer.mlp(layer.tokens, model.n_shared_experts * model.moe_intermediate_size)
  const routed = layer.experts(rows * traffic.imbalance, model.n_routed_experts / ep)
  const tensorParallel = tensorParallelSec(spec, layer.tokens)
  const total = (parts: readonly (readonly [number, Compute])[]): Compute => {
    const sum = (pick: keyof Compute) => parts.reduce((s, [n, c]) => s + n * c[pick], 0)
    return { forward: sum('forward'), input: sum('input'), weight: sum('weight') }
  }
  return stageLayers(spec, numStages).map(({ dense, moe, first, last, mtp }) => ({
    compute: total([
      [dense + moe, attention], [dense, denseMlp], [moe, shared], [moe, routed], [moe, layer.gate()], [first ? 1 : 0, layer.embedding()], [(last ? 1 : 0) + mtp, layer.head()],
      [dense + moe, { forward: tensorParallel, input: tensorParallel, weight: 0 }],
    ]),
    communicationForward: moe * (a2a.dispatchSec + a2a.combineSec + (ep > 1 ? spec.efficiency.notifySec : 0)),
    communicationBackward: moe * (a2a.dispatchSec + a2a.combineSec),
    layers: dense + moe,
  }))
}

/** Two gathers and two scatters of a layer's activations, over NVLink, with sequence parallelism. */
function tensorParallelSec({ layout: { tp }, model: { hidden_size: H }, cluster, efficiency }: PlanSpec, tokens: number): number {
  return tp === 1 ? 0 : 4 * (tokens * H * 2 * (tp - 1) / tp / (cluster.nvlinkBytesPerSec * efficiency.nvlinkAllToAll) + cluster.nvlinkLatencySec)
}

/** Seconds of a step of a kind: forward of one stage, backward of another for pairs. */
export function stepCost(spec: PlanSpec, kind: StepKind, stages: readonly StageCost[], work: Place, backward?: Place): number {
  const { exposed, contention } = spec.efficiency
  const own = stages[work.stage]
  switch (kind) {
    case 'F': return own.compute.forward + own.communicationForward
    case 'Bi': return own.compute.input + own.communicationBackward
    case 'W': return own.compute.weight
    // Weight gradients need no communication: they hide what they can of the layer before's.
    case 'B': return own.compute.input + own.compute.weight + own.communicationBackward
    case 'FB': {
      const other = stages[backward!.stage]
      const compute = own.compute.forward + other.compute.input + other.compute.weight
      const communication = contention * (own.communicationForward + other.communicationBackward)
      return Math.max(compute, communication) + exposed * Math.min(compute, communication)
    }
  }
}
