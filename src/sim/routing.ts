// Where tokens go: how even the experts' loads are, on how many nodes and GPUs a token's experts lie.
import { eplb } from '../schedule/eplb.ts'
import type { PlanSpec } from './spec.ts'

export interface Traffic {
  /** Rows at the busiest GPU of an expert-parallel group, in terms of the mean: what all others wait for. */
  readonly imbalance: number
  /** Different nodes, and GPUs, that a token's experts lie on; the token's own among them. */
  readonly nodes: number
  readonly gpus: number
  /** Of those nodes, and of the GPUs, which are not the token's own. */
  readonly remoteNodes: number
  readonly remoteGpus: number
}

/** Small, seeded, good enough for loads. */
function uniform(seed: number): () => number {
  let state = seed | 0
  return () => {
    state = (state + 0x9e3779b9) | 0
    let z = Math.imul(state ^ (state >>> 16), 0x21f0aaad)
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97)
    return ((z ^ (z >>> 15)) >>> 8) / 2 ** 24
  }
}

/** Relative load of every expert, a list a layer; one flat list when balanced. */
function loadsOf({ model: { n_routed_experts: E }, routing }: PlanSpec): readonly (readonly number[])[] {
  if (routing.kind === 'replay') return routing.loads!
  if (routing.kind === 'balanced') return [new Array<number>(E).fill(1)]
  const next = uniform(routing.seed ?? 1)
  const normal = () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next())
  return Array.from({ length: 8 }, () => Array.from({ length: E }, () => Math.exp((routing.sigma ?? 0.5) * normal())))
}

export function trafficOf(spec: PlanSpec): Traffic {
  const { model, layout: { ep }, cluster: { gpusPerNode }, routing } = spec
  const { n_routed_experts: E, n_group: G } = model
  const loads = loadsOf(spec)
  const nodesOfGroup = Math.max(1, Math.ceil(ep / gpusPerNode))
  const imbalances = loads.map((load) => {
    const perGpu = routing.replicasPerGpu
      ? eplb({ weight: [load], numReplicas: E + ep * routing.replicasPerGpu, numGroups: G, numNodes: nodesOfGroup, numGpus: ep }).gpuLoad[0]
      : Array.from({ length: ep }, (_, g) => load.slice(g * (E / ep), (g + 1) * (E / ep)).reduce((a, b) => a + b, 0))
    return Math.max(...perGpu) / (perGpu.reduce((a, b) => a + b, 0) / ep)
  })
  const [nodes, gpus] = [spread(model, nodesOfGroup), spread(model, ep)]
  return {
    imbalance: imbalances.reduce((a, b) => a + b, 0) / imbalances.length,
    nodes, gpus, remoteNodes: nodes * (1 - 1 / nodesOfGroup), remoteGpus: gpus * (1 - 1 / Math.min(ep, gpusPerNode)),
  }
}

/** Expected number of different units (nodes, GPUs) that a token's experts lie on: its groups are random ones, its experts random ones of those. */
function spread({ n_routed_experts: E, num_experts_per_tok: topk, n_group: G, topk_group }: PlanSpec['model'], units: number): number {
  const groupSize = E / G
  const open = topk_group * groupSize
  const perUnit = E / units
  /** That none of the chosen experts is among `taken` of the open ones. */
  const missed = (taken: number) => { let p = 1; for (let i = 0; i < topk; i++) p *= Math.max(0, open - taken - i) / (open - i); return p }
  if (perUnit <= groupSize) return units * (topk_group / G) * (1 - missed(perUnit))
  const perUnitGroups = perUnit / groupSize
  let hit = 0
  for (let j = 0; j <= Math.min(perUnitGroups, topk_group); j++) hit += hypergeometric(G, perUnitGroups, topk_group, j) * (1 - missed(j * groupSize))
  return units * hit
}

/** That of `n` drawn from `all`, `j` are among the `marked`. */
function hypergeometric(all: number, marked: number, n: number, j: number): number {
  const choose = (a: number, b: number) => { let c = 1; for (let i = 0; i < b; i++) c *= (a - i) / (i + 1); return b < 0 || b > a ? 0 : c }
  return choose(marked, j) * choose(all - marked, n - j) / choose(all, n)
}
