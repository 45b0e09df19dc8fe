// One training step of a described cluster: its time and where that goes, its memory, its traffic, its cost.
import { makeSchedule, ScheduleError, type Schedule, type ScheduleKind } from '../schedule/index.ts'
import { replay, type CostOf, type Replay } from '../schedule/replay.ts'
import { allToAll, type AllToAll } from './all_to_all.ts'
import { stageCosts, stepCost } from './chunk.ts'
import { memoryOf, rankParameters, type RankMemory } from './memory.ts'
import { trafficOf, type Traffic } from './routing.ts'
import { PlanError, type PlanSpec } from './spec.ts'

export interface Parts { forward: number; backwardInput: number; weight: number; overlapped: number; bubble: number; optimizer: number }
export interface Plan {
  readonly stepTimeSec: number
  /** Means over the pipeline's ranks. */
  readonly partsSec: Parts
  readonly tokensPerSecPerGpu: number
  readonly tokensPerDay: number
  readonly tflopsCausal: number
  readonly tflopsNonCausal: number
  /** Of the bf16 peak. */
  readonly mfuCausal: number
  readonly mfuNonCausal: number
  readonly gpuHoursPerTrillionTokens: number
  readonly gpuHours: number
  readonly dollars: number
  readonly memoryBytesPerRank: readonly RankMemory[]
  /** Of one GPU in a step. */
  readonly bytesPerStep: { readonly network: number; readonly nvlink: number; readonly pipeline: number; readonly gradients: number }
  readonly numGpus: number
  readonly microBatches: number
  readonly traffic: Traffic
  readonly allToAll: AllToAll
}
/** What drawings and traces want beside the figures. */
export interface Simulated { readonly plan: Plan; readonly schedule: Schedule; readonly clock: Replay }

export function simulate(spec: PlanSpec): Simulated {
  const { layout, cluster } = spec
  const numGpus = cluster.nodes * cluster.gpusPerNode
  const replicas = checkLayout(spec, numGpus)
  const microBatches = layout.globalBatch / (replicas * layout.microBatch)
  const schedule = makeSchedule(spec.schedule.kind, layout.pp, microBatches, { chunks: spec.schedule.chunks })
  const layers = spec.model.num_hidden_layers + spec.model.num_nextn_predict_layers
  if (schedule.numStages > layers) throw new PlanError(`${schedule.numStages} pipeline stages need as many layers; the model has ${layers}`)
  const traffic = trafficOf(spec)
  const a2a = allToAll(spec, traffic)
  const stages = stageCosts(spec, traffic, a2a, schedule.numStages)
  const { slowdown = 1, fraction = 0 } = spec.stragglers ?? {}
  // Every replica waits for the slowest GPU of each expert group: one straggler among them is enough.
  const slow = 1 + (slowdown - 1) * (1 - (1 - fraction) ** (layout.ep * layout.tp))
  const costOf: CostOf = (rank, step) => {
    const places = schedule.places[rank]
    return slow * stepCost(spec, step.kind, stages, places[step.work.chunk], step.backward && places[step.backward.chunk])
  }
  const boundaryBytes = layout.microBatch * layout.sequenceLength * spec.model.hidden_size * 2 / layout.tp
  // Jitter lengthens a step for those that wait for it; what it adds counts as bubble.
  const clock = replay(schedule, (rank, step) => costOf(rank, step) * (1 + spec.efficiency.jitter), layout.pp === 1 ? 0 : boundaryBytes / cluster.networkBytesPerSec + cluster.networkLatencySec)
  const reduction = optimizerOf(spec, schedule, replicas)
  const stepTimeSec = clock.makespan + reduction.sec

  const tokens = layout.globalBatch * layout.sequenceLength
  const tokensPerSecPerGpu = tokens / stepTimeSec / numGpus
  const flop = flopPerToken(spec)
  const tflops = (perToken: number) => perToken * tokensPerSecPerGpu / 1e12
  const gpuHoursPerTrillionTokens = 1e12 / tokensPerSecPerGpu / 3600
  const memory = memoryOf(spec, schedule, clock.peakInFlight, traffic.imbalance)
  checkMemory(spec, memory)
  const perGpuChunks = schedule.places[0].length * microBatches / schedule.numStreams
  const moeLayersPerGpu = perGpuChunks * (layers - spec.model.first_k_dense_replace) / schedule.numStages
  const gpuHours = spec.tokenBudget / 1e12 * gpuHoursPerTrillionTokens
  const plan: Plan = {
    stepTimeSec, partsSec: { ...parts(schedule, clock, costOf, stages, slow), optimizer: reduction.sec },
    tokensPerSecPerGpu, tokensPerDay: tokens / stepTimeSec * 86400, tflopsCausal: tflops(flop.causal), tflopsNonCausal: tflops(flop.nonCausal),
    mfuCausal: flop.causal * tokensPerSecPerGpu / cluster.gpu.bf16FlopPerSec, mfuNonCausal: flop.nonCausal * tokensPerSecPerGpu / cluster.gpu.bf16FlopPerSec,
    gpuHoursPerTrillionTokens, gpuHours, dollars: gpuHours * cluster.dollarsPerGpuHour, memoryBytesPerRank: memory,
    bytesPerStep: { network: 2 * moeLayersPerGpu * a2a.networkBytes, nvlink: 2 * moeLayersPerGpu * a2a.nvlinkBytes, pipeline: layout.pp === 1 ? 0 : 2 * perGpuChunks * boundaryBytes, gradients: reduction.bytes },
    numGpus, microBatches, traffic, allToAll: a2a,
  }
  return { plan, schedule, clock }
}

/** Replicas of the pipeline. */
function checkLayout({ layout, model, cluster, communicationSms }: PlanSpec, numGpus: number): number {
  const { pp, tp, ep, globalBatch, microBatch } = layout
  const bad = (problem: string): never => { throw new PlanError(problem) }
  const replicas = numGpus / (pp * tp)
  if (!Number.isInteger(replicas)) bad(`${numGpus} GPUs (${cluster.nodes} nodes of ${cluster.gpusPerNode}) do not divide into pipelines of PP ${pp} x TP ${tp}`)
  if (!Number.isInteger(numGpus / pp / ep)) bad(`a pipeline stage has ${numGpus / pp} GPUs, which do not divide into expert groups of EP ${ep}`)
  if (model.n_routed_experts % ep) bad(`${model.n_routed_experts} experts do not divide over EP ${ep}`)
  if (model.num_attention_heads % tp) bad(`${model.num_attention_heads} heads do not divide over TP ${tp}`)
  if (!Number.isInteger(globalBatch / (replicas * microBatch))) bad(`a batch of ${globalBatch} sequences does not divide over ${replicas} replicas in micro-batches of ${microBatch}`)
  if (communicationSms >= cluster.gpu.numSms) bad(`${communicationSms} SMs for communication leave none of ${cluster.gpu.numSms}`)
  if (ep > 1 && communicationSms < 1) bad('communicationSms is 0: all-to-all between GPUs needs SMs')
  return replicas
}

/** Says by how much it is too much, and which of the usual ways out would do. */
function checkMemory(spec: PlanSpec, memory: readonly RankMemory[]): void {
  const { gpu } = spec.cluster
  const rank = memory.reduce((worst, m, r) => (m.total > memory[worst].total ? r : worst), 0)
  const { total } = memory[rank]
  if (total <= gpu.memoryBytes) return
  const { layout } = spec
  const ways: readonly [string, PlanSpec][] = [
    ['recompute "full"', { ...spec, recompute: 'full' }], [`PP ${2 * layout.pp}`, { ...spec, layout: { ...layout, pp: 2 * layout.pp } }], [`EP ${2 * layout.ep}`, { ...spec, layout: { ...layout, ep: 2 * layout.ep } }],
    ['schedule "zb1p"', { ...spec, schedule: { ...spec.schedule, kind: 'zb1p' } }], ['ZeRO 1', { ...spec, layout: { ...layout, zero: 1 } }], ['micro-batches of one sequence', { ...spec, layout: { ...layout, microBatch: 1 } }],
  ]
  const fits = ways.filter(([, other]) => JSON.stringify(other) !== JSON.stringify(spec) && memoryFits(other)).map(([name]) => name)
  const GB = (n: number) => `${(n / 1e9).toFixed(1)} GB`
  throw new PlanError(`rank ${rank} needs ${GB(total)}, ${GB(total - gpu.memoryBytes)} more than the ${GB(gpu.memoryBytes)} of a ${gpu.name}; ${fits.length ? `it would fit with ${fits.join(', or ')}` : 'none of the usual ways (recompute, more PP or EP, ZB1P, ZeRO 1, smaller micro-batches) is enough alone'}`)
}
function memoryFits(spec: PlanSpec): boolean {
  try { simulate(spec); return true } catch (error) {
    if (error instanceof PlanError || error instanceof ScheduleError) return false
    throw error
  }
}

/** Time of each kind, a mean over ranks: whole backwards count as their two parts. */
function parts(schedule: Schedule, clock: Replay, costOf: CostOf, stages: ReturnType<typeof stageCosts>, slow: number): Omit<Parts, 'optimizer'> {
  const sum = { forward: 0, backwardInput: 0, weight: 0, overlapped: 0 }
  schedule.steps.forEach((list, rank) => {
    for (const step of list) {
      const cost = costOf(rank, step)
      if (step.kind === 'F') sum.forward += cost
      else if (step.kind === 'FB') sum.overlapped += cost
      else if (step.kind === 'W') sum.weight += cost
      else {
        const weight = step.kind === 'B' ? slow * stages[schedule.places[rank][step.work.chunk].stage].compute.weight : 0
        sum.weight += weight
        sum.backwardInput += cost - weight
      }
    }
  })
  const mean = (x: number) => x / schedule.ranks
  const busy = { forward: mean(sum.forward), backwardInput: mean(sum.backwardInput), weight: mean(sum.weight), overlapped: mean(sum.overlapped) }
  return { ...busy, bubble: clock.makespan - Object.values(busy).reduce((a, b) => a + b, 0) }
}

/**
 * Gradients are reduced, the rank's share of the state is updated, weights are gathered: at the slowest rank. What all data-parallel ranks
 * hold is reduced inside the node first, so that each GPU brings its share to the network; copies of an expert lie on different nodes.
 */
function optimizerOf(spec: PlanSpec, schedule: Schedule, replicas: number): { sec: number; bytes: number } {
  const { layout, cluster, efficiency } = spec
  const { gpusPerNode } = cluster
  const expertReplicas = Math.max(1, replicas * layout.tp / layout.ep) * schedule.numStreams
  const network = cluster.networkBytesPerSec * efficiency.collective, nvlink = cluster.nvlinkBytesPerSec * efficiency.collective
  const way = (n: number) => (n > 1 ? (n - 1) / n : 0)
  const inNode = Math.min(gpusPerNode / layout.tp, replicas)
  const each = rankParameters(spec, schedule).map(({ shared, experts }) => {
    // f32 gradients one way, bf16 weights the other.
    const [sharedBytes, expertBytes] = [6 * shared, 6 * experts * way(expertReplicas)]
    const bytes = sharedBytes / inNode * way(replicas * schedule.numStreams / inNode) + expertBytes
    const state = layout.zero === 1 ? shared / replicas + experts / expertReplicas : shared + experts
    return { bytes, sec: sharedBytes * way(inNode) / nvlink + bytes / network + state * 26 / (cluster.gpu.memoryBytesPerSec * efficiency.elementwise) }
  })
  return each.reduce((a, b) => (b.sec > a.sec ? b : a))
}

/** 6 FLOP a token and active parameter, the head's included, and attention's products, forward and backward (3 times forward). */
export function flopPerToken({ model, layout: { sequenceLength: S } }: PlanSpec): { causal: number; nonCausal: number } {
  const { hidden_size: H, num_attention_heads: heads, q_lora_rank, kv_lora_rank, qk_nope_head_dim: nope, qk_rope_head_dim: rope, v_head_dim: dV, num_hidden_layers: L, first_k_dense_replace: dense } = model
  const q = q_lora_rank === null ? H * heads * (nope + rope) : H * q_lora_rank + q_lora_rank * heads * (nope + rope)
  const attention = q + H * (kv_lora_rank + rope) + kv_lora_rank * heads * (nope + dV) + heads * dV * H
  const moe = 3 * H * model.moe_intermediate_size * (model.num_experts_per_tok + model.n_shared_experts) + H * model.n_routed_experts
  const active = L * attention + dense * 3 * H * model.intermediate_size + (L - dense) * moe + model.vocab_size * H
  const scores = 3 * L * 2 * S * heads * (nope + rope + dV)
  return { causal: 6 * active + scores / 2, nonCausal: 6 * active + scores }
}

export interface Compared { readonly kind: ScheduleKind; readonly plan?: Plan; readonly why?: string }
/** The same cluster with every schedule; those whose conditions do not hold say why. */
export function compare(spec: PlanSpec, kinds: readonly ScheduleKind[]): Compared[] {
  return kinds.map((kind) => {
    try { return { kind, plan: simulate({ ...spec, schedule: { ...spec.schedule, kind } }).plan } } catch (error) {
      if (error instanceof PlanError || error instanceof ScheduleError) return { kind, why: error.message }
      throw error
    }
  })
}
