// Entries of shadow memory that hold several events: readers, or strong accesses, that are not ordered among each other.
import { lowestLane } from '../diagnostics.ts'
import type { Core, Space } from './core.ts'
import type { WarpClock } from './warp_clock.ts'

/** Events kept of a word: all that matter in shared memory; of widely read global data only some, and few of one block. */
const mostEvents = { shared: 64, global: 8 }
const mostOfBlock = 4

export class Entries {
  constructor(private readonly core: Core) {}

  each(entry: number, f: (event: number, lane: number) => void): void {
    if (entry > 0) { f(entry >> 5, entry & 31); return }
    const { shadow } = this.core
    for (let node = ~entry; node !== 0; node = shadow.nexts[node]) for (let m = shadow.lanes[node]; m !== 0; m &= m - 1) f(shadow.events[node], lowestLane(m))
  }

  /**
   * The entry of reads with lane `lane` of `event` added, which knows what `w` knows; those it is ordered after go, but not weak
   * ones for a strong one: a strong write can race with them alone.
   */
  addReader(w: WarpClock, lane: number, entry: number, event: number, space: Space): number {
    const { core } = this
    if (entry === 0) return (event << 5) | lane
    if (entry > 0) {
      if (entry >> 5 !== event && this.covers(event, entry >> 5) && core.ordered(w, lane, entry >> 5, entry & 31)) return (event << 5) | lane
      return this.join(entry, event, lane, space)
    }
    const { shadow } = core
    const head = ~entry
    // The rest was looked at when this event first read here.
    if (shadow.events[head] === event) { shadow.lanes[head] |= 1 << lane; return entry }
    // Global data that everybody reads: whoever writes it looks at those kept here.
    if (space === 'global') return this.join(entry, event, lane, space)
    let kept = 0
    for (let node = head; node !== 0;) {
      const next = shadow.nexts[node]
      if (shadow.events[node] !== event && this.covers(event, shadow.events[node]) && this.allOrdered(w, lane, shadow.events[node], shadow.lanes[node])) shadow.freeOne(node)
      else { shadow.nexts[node] = kept; kept = node }
      node = next
    }
    return kept === 0 ? (event << 5) | lane : this.join(~kept, event, lane, space)
  }
  private covers(event: number, before: number): boolean {
    const { events } = this.core
    return !events.siteOf(event).strong || events.siteOf(before).strong
  }
  private allOrdered(w: WarpClock, lane: number, event: number, lanes: number): boolean {
    const { core } = this
    if (core.orderedForAll(w, event)) return true
    for (let m = lanes; m !== 0; m &= m - 1) if (!core.ordered(w, lane, event, lowestLane(m))) return false
    return true
  }

  /** An entry with the event in front. */
  join(entry: number, event: number, lane: number, space: Space): number {
    const { core } = this
    const { shadow } = core
    if (entry > 0) {
      if (entry >> 5 === event) return ~shadow.node(event, (1 << (entry & 31)) | (1 << lane), 0)
      return ~shadow.node(event, 1 << lane, shadow.node(entry >> 5, 1 << (entry & 31), 0))
    }
    const { events } = core
    const block = events.blocks[event]
    let count = 0, sameBlock = 0, oldest = 0
    for (let before = 0, node = ~entry; node !== 0; before = node, node = shadow.nexts[node]) {
      const other = shadow.events[node]
      if (other === event) {
        shadow.lanes[node] |= 1 << lane
        if (before === 0) return entry
        shadow.nexts[before] = shadow.nexts[node]
        shadow.nexts[node] = ~entry
        return ~node
      }
      count++
      if (events.blocks[other] === block) { sameBlock++; oldest = node }
    }
    if (count < mostEvents[space] && (space === 'shared' || sameBlock < mostOfBlock)) return ~shadow.node(event, 1 << lane, ~entry)
    // The oldest of the same block makes room: readers of several blocks are kept.
    const victim = oldest === 0 ? ~entry : oldest
    shadow.events[victim] = event
    shadow.lanes[victim] = 1 << lane
    return entry
  }
}
