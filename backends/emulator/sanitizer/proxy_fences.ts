// fence.proxy.async: which writes of the generic proxy are behind one. A fence may stand anywhere on the way from the write to the
// asynchronous operation: with the writer, before it synchronises, or with whoever knows the write (PTX ISA 8.8, proxy-preserved order).
import { lowestLane } from '../diagnostics.ts'
import type { Clock } from './clock.ts'
import type { Core, Space } from './core.ts'
import type { WarpClock } from './warp_clock.ts'

/** What the lanes that executed a fence knew then. */
interface ProxyFence {
  readonly block: number; readonly warp: number; readonly mask: number; readonly stamp: number; readonly space: 'all' | Space
  readonly mateFloor: number; readonly blockFloor: number; readonly mates: Float64Array | null; readonly clocks: readonly Clock[] | Clock
}

/** Fences kept of a block; older writes were mostly found covered before. */
const most = 2048

export class ProxyFences {
  /** By cluster, the newest last. */
  private readonly all = new Map<number, ProxyFence[]>()
  /** Entries of shadow memory that were found covered. */
  private readonly covered = new Set<number>()
  constructor(private readonly core: Core) {}
  clear(): void { this.all.clear(); this.covered.clear() }
  forget(): void { this.covered.clear() }

  add(w: WarpClock, mask: number, space: 'all' | Space): void {
    let own = this.all.get(w.cluster)
    if (!own) this.all.set(w.cluster, (own = []))
    own.push({ block: w.block, warp: w.id, mask, stamp: w.stamp, space, mateFloor: w.mateFloor, blockFloor: w.blockFloor, mates: w.mates?.slice() ?? null, clocks: w.lanes?.slice() ?? w.clock })
    if (own.length > 2 * most) own.splice(0, most)
    w.tick()
  }

  cover(w: WarpClock, lane: number, event: number, other: number, space: Space): boolean {
    const { events } = this.core
    const entry = event * 32 + other
    if (this.covered.has(entry)) return true
    // A cp.async counts as a write of the thread that waited for it.
    const operation = events.operations.get(event)
    const writes = operation === undefined ? [{ warp: events.warps[event], block: this.core.blockOf(events.warps[event]), lane: other, stamp: events.stamps[event] }]
      : operation.observations.map((o) => ({ warp: o.warp, block: o.block, lane: operation.byLane || o.lanes === 0 ? other : lowestLane(o.lanes), stamp: o.stamp }))
    const between = (f: ProxyFence): boolean => (f.space === 'all' || f.space === space) && writes.some((write) => {
      for (let m = f.mask; m !== 0; m &= m - 1) {
        const by = lowestLane(m)
        if (knew(f, by, write) && w.knows(lane, f.block, f.warp, by, f.stamp)) return true
      }
      return false
    })
    const writer = this.core.clusterOf(events.warps[event])
    const clusters = writer === w.cluster ? [writer] : [w.cluster, writer]
    if (!clusters.some((c) => this.all.get(c)?.findLast(between) !== undefined)) return false
    this.covered.add(entry)
    return true
  }
}

/** Whether lane `by` was ordered after the write when it executed the fence. */
function knew(f: ProxyFence, by: number, { warp, block, lane, stamp }: { warp: number; block: number; lane: number; stamp: number }): boolean {
  if (block === f.block && stamp <= f.blockFloor) return true
  if (warp === f.warp && (lane === by ? stamp <= f.stamp : stamp <= f.mateFloor || (f.mates !== null && stamp <= f.mates[32 * by + lane]))) return true
  return ('length' in f.clocks ? f.clocks[by] : f.clocks).knows(block, warp, lane, stamp)
}
