// Expert placement and replication for a measured load: which experts get replicas, and which GPU holds each replica.
// [DeepSeek EPLB; deepseek-v3.md 6.1] Arithmetic in float32, as there: the choices are equal.
import { ScheduleError } from './step.ts'

export interface EplbInput {
  /** [layers][experts]: load. */
  readonly weight: readonly (readonly number[])[]
  readonly numReplicas: number
  readonly numGroups: number
  readonly numNodes: number
  readonly numGpus: number
  /** Never two replicas of one expert on one GPU. */
  readonly distinct?: boolean
}
export interface EplbPlacement {
  /** [layers][replicas]: the expert of each slot; a GPU holds numReplicas / numGpus slots in a row. */
  readonly phy2log: number[][]
  /** [layers][experts][most replicas]: slots of each expert, -1 beyond. */
  readonly log2phy: number[][][]
  /** [layers][experts]: replicas. */
  readonly logcnt: number[][]
  /** [layers][GPUs] */
  readonly gpuLoad: number[][]
}

const f32 = Math.fround

/** Groups go to nodes where they divide evenly (hierarchical); otherwise experts are placed over all GPUs as if there were one node. */
export function eplb({ weight, numReplicas, numGroups, numNodes, numGpus, distinct = false }: EplbInput): EplbPlacement {
  const experts = weight[0]?.length ?? 0
  check(weight, { numReplicas, numGroups, numNodes, numGpus })
  const hierarchical = numGroups % numNodes === 0
  const nodes = hierarchical ? numNodes : 1
  const groups = hierarchical ? numGroups : 1
  if (distinct && numReplicas > experts * (numGpus / nodes)) throw new ScheduleError(`eplb: ${numReplicas} replicas of ${experts} experts cannot all differ on ${numGpus / nodes} GPUs a node; at most ${experts * (numGpus / nodes)}`)
  const layers = weight.map((w) => placeLayer(w.map(f32), numReplicas, groups, nodes, numGpus, distinct))
  const most = Math.max(...layers.flatMap((l) => l.logcnt))
  const perGpu = numReplicas / numGpus
  return {
    phy2log: layers.map((l) => l.phy2log),
    log2phy: layers.map((l) => {
      const slots = l.logcnt.map(() => new Array<number>(most).fill(-1))
      l.phy2log.forEach((expert, slot) => { slots[expert][l.rank[slot]] = slot })
      return slots
    }),
    logcnt: layers.map((l) => l.logcnt),
    gpuLoad: layers.map((l, i) => Array.from({ length: numGpus }, (_, g) => l.phy2log.slice(g * perGpu, (g + 1) * perGpu).reduce((sum, e) => sum + weight[i][e] / l.logcnt[e], 0))),
  }
}

function check(weight: EplbInput['weight'], numbers: Record<'numReplicas' | 'numGroups' | 'numNodes' | 'numGpus', number>): void {
  const { numReplicas, numGroups, numNodes, numGpus } = numbers
  const experts = weight[0]?.length ?? 0
  const bad = (problem: string): never => { throw new ScheduleError(`eplb: ${problem}`) }
  if (!experts) bad('weight is empty; it must be [layers][experts]')
  weight.forEach((w, i) => { if (w.length !== experts || w.some((x) => !(Number.isFinite(x) && x >= 0))) bad(`weight of layer ${i} must be ${experts} finite numbers from 0 on`) })
  for (const [name, n] of Object.entries(numbers)) if (!(Number.isInteger(n) && n >= 1)) bad(`${name} is ${n}; it must be a whole number from 1 on`)
  if (experts % numGroups) bad(`${experts} experts do not divide into ${numGroups} groups`)
  if (numGpus % numNodes) bad(`${numGpus} GPUs do not divide among ${numNodes} nodes`)
  if (numReplicas % numGpus) bad(`${numReplicas} replicas do not divide among ${numGpus} GPUs`)
  if (numReplicas < experts) bad(`${numReplicas} replicas are fewer than the ${experts} experts`)
}

interface Layer { phy2log: number[]; rank: number[]; logcnt: number[] }

function placeLayer(weight: number[], numReplicas: number, groups: number, nodes: number, numGpus: number, distinct: boolean): Layer {
  const groupSize = weight.length / groups
  const gpusPerNode = numGpus / nodes
  // Phase 1: groups to nodes, by their load.
  const groupLoad = Array.from({ length: groups }, (_, g) => weight.slice(g * groupSize, (g + 1) * groupSize).reduce((a, b) => f32(a + b), 0))
  const nodeGroups = pack(groupLoad, nodes)
  const layer: Layer = { phy2log: [], rank: [], logcnt: new Array<number>(weight.length).fill(0) }
  for (const own of nodeGroups) {
    const experts = own.flatMap((g) => Array.from({ length: groupSize }, (_, j) => g * groupSize + j))
    // Phase 2: one replica after the other to the expert with the most load a replica.
    const load = experts.map((e) => weight[e])
    const { of, rank, count } = replicate(load, numReplicas / nodes, distinct ? gpusPerNode : Infinity)
    // Phase 3: replicas to the node's GPUs.
    const perReplica = of.map((e) => f32(load[e] / count[e]))
    const gpus = distinct ? packDistinct(perReplica, of, gpusPerNode) : pack(perReplica, gpusPerNode)
    for (const slot of gpus.flat()) {
      layer.phy2log.push(experts[of[slot]])
      layer.rank.push(rank[slot])
    }
    count.forEach((n, i) => { layer.logcnt[experts[i]] = n })
  }
  return layer
}

/** Items to packs of equal size: heaviest first, each to the lightest pack with room. One item a pack: in order. */
function pack(load: readonly number[], packs: number): number[][] {
  const size = load.length / packs
  if (size === 1) return load.map((_, i) => [i])
  const out = Array.from({ length: packs }, () => [] as number[])
  const sums = new Array<number>(packs).fill(0)
  for (const item of byLoad(load)) {
    let best = -1
    for (let p = 0; p < packs; p++) if (out[p].length < size && (best < 0 || sums[p] < sums[best])) best = p
    out[best].push(item)
    sums[best] = f32(sums[best] + load[item])
  }
  return out
}

const byLoad = (load: readonly number[]) => load.map((_, i) => i).sort((a, b) => load[b] - load[a] || a - b)

function replicate(load: readonly number[], slots: number, most: number) {
  const of = load.map((_, i) => i), rank = load.map(() => 0), count = load.map(() => 1)
  while (of.length < slots) {
    let best = -1
    for (let e = 0; e < load.length; e++) if (count[e] < most && (best < 0 || f32(load[e] / count[e]) > f32(load[best] / count[best]))) best = e
    of.push(best)
    rank.push(count[best]++)
  }
  return { of, rank, count }
}

/** As `pack`, but no pack gets two items of one expert: where all with room have it, it changes places with an item of a full pack. */
function packDistinct(load: readonly number[], of: readonly number[], packs: number): number[][] {
  const size = load.length / packs
  const out = Array.from({ length: packs }, () => [] as number[])
  const sum = (p: number) => out[p].reduce((s, i) => s + load[i], 0)
  const has = (p: number, expert: number) => out[p].some((i) => of[i] === expert)
  const lightest = (fits: (p: number) => boolean) => out.map((_, p) => p).filter(fits).sort((a, b) => sum(a) - sum(b) || a - b)[0] as number | undefined
  for (const item of byLoad(load)) {
    const place = lightest((p) => out[p].length < size && !has(p, of[item]))
    if (place !== undefined) { out[place].push(item); continue }
    // A full pack without this expert holds more experts than one with room: one of them can move there.
    const room = lightest((p) => out[p].length < size)!
    const full = lightest((p) => !has(p, of[item]))!
    const moves = out[full].findIndex((i) => !has(room, of[i]))
    out[room].push(out[full][moves])
    out[full][moves] = item
  }
  return out
}
