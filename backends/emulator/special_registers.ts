// Values of special registers (PTX ISA 10). `changing` ones are read again each time an instruction uses them.
import { coordinate } from './dims.ts'
import type { Warp } from './machine.ts'
import type { LaneValue } from './slots.ts'

const counts = (dims: readonly number[], c: number) => dims[c] ?? (c === 3 ? 0 : 1)
const full = (lane: number) => 2 ** lane

const withComponent: Readonly<Record<string, (w: Warp, lane: number, c: number) => number>> = {
  '%tid': (w, lane, c) => coordinate(w.index * 32 + lane, w.cta.launch.block, c),
  '%ntid': (w, _, c) => counts(w.cta.launch.block, c),
  '%ctaid': (w, _, c) => w.cta.id[c] ?? 0,
  '%nctaid': (w, _, c) => counts(w.cta.launch.grid, c),
  '%clusterid': (w, _, c) => w.cta.cluster.id[c] ?? 0,
  '%nclusterid': (w, _, c) => (c < 3 ? w.cta.launch.grid[c] / w.cta.launch.clusterDims[c] : 0),
  '%cluster_ctaid': (w, _, c) => coordinate(w.cta.rankInCluster, w.cta.cluster.dims, c),
  '%cluster_nctaid': (w, _, c) => counts(w.cta.cluster.dims, c),
}

const plain: Readonly<Record<string, LaneValue>> = {
  '%laneid': (_, lane) => lane,
  '%warpid': (w) => w.index,
  '%nwarpid': (w) => w.cta.warps.length,
  '%smid': (w) => w.cta.index % 132,
  '%nsmid': () => 132,
  '%gridid': () => 1,
  '%is_explicit_cluster': (w) => (w.cta.launch.explicitCluster ? 1 : 0),
  '%cluster_ctarank': (w) => w.cta.rankInCluster,
  '%cluster_nctarank': (w) => w.cta.cluster.ctas.length,
  '%lanemask_eq': (_, lane) => full(lane),
  '%lanemask_lt': (_, lane) => full(lane) - 1,
  '%lanemask_le': (_, lane) => 2 * full(lane) - 1,
  '%lanemask_gt': (_, lane) => 2 ** 32 - 2 * full(lane),
  '%lanemask_ge': (_, lane) => 2 ** 32 - full(lane),
  '%dynamic_smem_size': (w) => w.cta.launch.dynamicSharedBytes,
  '%total_smem_size': (w) => w.cta.sharedBytes,
  '%aggr_smem_size': (w) => w.cta.sharedBytes,
  '%current_graph_exec': () => 0,
  // No shared memory is kept back for the system here.
  '%reserved_smem_offset_begin': () => 0,
  '%reserved_smem_offset_end': () => 0,
  '%reserved_smem_offset_cap': () => 0,
  '%reserved_smem_offset_0': () => 0,
  '%reserved_smem_offset_1': () => 0,
}

// Time is the number of thread instructions so far: it grows, and a run repeats exactly.
const changing: Readonly<Record<string, LaneValue>> = {
  '%clock': (w) => w.machine.executed % 2 ** 32,
  '%clock64': (w) => w.machine.executed,
  '%clock_hi': (w) => Math.floor(w.machine.executed / 2 ** 32),
  '%globaltimer': (w) => w.machine.executed,
  '%globaltimer_lo': (w) => w.machine.executed % 2 ** 32,
  '%globaltimer_hi': (w) => Math.floor(w.machine.executed / 2 ** 32),
}

/** What is no word: %gridid was a word in old PTX and may still be read as one. */
const widths: Readonly<Record<string, readonly number[]>> = { '%clock64': [64], '%globaltimer': [64], '%current_graph_exec': [64], '%gridid': [64, 32], '%is_explicit_cluster': [1] }

/** PTX version and target that first had it. */
const firsts: readonly (readonly [RegExp, number, number])[] = [
  [/^%(n?clusterid|cluster_n?cta(id|rank)|is_explicit_cluster)$/, 7.8, 90], [/^%aggr_smem_size$/, 8.1, 90], [/^%reserved_smem_offset/, 7.6, 80],
  [/^%current_graph_exec$/, 8.0, 50], [/^%(total|dynamic)_smem_size$/, 4.1, 20], [/^%clock_hi$/, 5.0, 20], [/^%globaltimer/, 3.1, 30],
]
export function firstWith(name: string): { ptx: number; sm: number } {
  const own = firsts.find(([pattern]) => pattern.test(name))
  return own ? { ptx: own[1], sm: own[2] } : { ptx: 0, sm: 0 }
}

export interface SpecialRegister { readonly value: LaneValue; readonly changes: boolean; readonly bits: readonly number[] }

/** undefined: known to the parser but not emulated. */
export function specialValue(name: string, component: number | null): SpecialRegister | undefined {
  const bits = widths[name] ?? [32]
  const own = withComponent[name]
  if (own) return component === null ? undefined : { value: (w, lane) => own(w, lane, component), changes: false, bits }
  if (plain[name]) return { value: plain[name], changes: false, bits }
  if (changing[name]) return { value: changing[name], changes: true, bits }
  if (name.startsWith('%envreg')) return { value: () => 0, changes: false, bits }
  return undefined
}
