// What all parts of the sanitizer share: the clocks of the warps, the past, and who is ordered after what of it.
import { lowestLane } from '../diagnostics.ts'
import { coordinates } from '../dims.ts'
import { showAddress, sharedOwner } from '../isa/addresses.ts'
import { GLOBAL_HIGH, type Cta, type DiagnosticClass, type LaunchState, type Machine, type Warp } from '../machine.ts'
import type { Grid } from './clock.ts'
import { Events, maxEvents, type Operation, type Site } from './events.ts'
import { Reports } from './reports.ts'
import { Shadow } from './shadow.ts'
import { WarpClock, clusterIndex, gridOf, type Time } from './warp_clock.ts'

export type Space = 'global' | 'shared'

export class Core {
  readonly time: Time = { now: 0 }
  readonly events = new Events()
  readonly shadow = new Shadow()
  readonly reports: Reports
  grid: Grid = { warpsPerBlock: 1, numWarps: 1 }
  private launch: LaunchState | undefined
  private readonly warps = new Map<number, WarpClock>()
  private lastWarp: WarpClock | undefined
  private numObjects = 0

  /** Parts that keep numbers of events. */
  readonly forgetful: { forget(): void }[] = []

  constructor(readonly machine: Machine) { this.reports = new Reports(machine) }

  start(launch: LaunchState): void {
    this.launch = launch
    this.warps.clear()
    this.lastWarp = undefined
    this.numObjects = 0
    this.events.clear()
    this.shadow.clear()
  }
  end(): void {
    this.warps.clear()
    this.lastWarp = undefined
  }
  ctaStarted(cta: Cta): void {
    this.grid = gridOf({ cta })
    this.shadow.forget(cta.sharedBase, cta.sharedBytes)
  }
  ctaEnded(cta: Cta): void {
    for (const warp of cta.warps) this.warps.delete(warp.id)
    this.lastWarp = undefined
  }

  of(warp: Warp): WarpClock {
    const last = this.lastWarp
    if (last !== undefined && last.warp === warp) return last
    let own = this.warps.get(warp.id)
    if (own === undefined) this.warps.set(warp.id, (own = new WarpClock(warp, this.time, clusterIndex(warp))))
    return (this.lastWarp = own)
  }

  /** A number like a warp's, for what signals without being a thread. */
  newObject(): number { return this.grid.numWarps + this.numObjects++ }

  /** Whether another warp's block is in the cluster of `w`. */
  sameCluster(w: WarpClock, warp: number): boolean { return this.clusterOf(warp) === w.cluster }
  clusterOf(warp: number): number {
    const { grid, clusterDims } = this.launch!
    const place = coordinates(this.blockOf(warp), grid).map((n, i) => Math.floor(n / clusterDims[i]))
    return place[0] + Math.floor(grid[0] / clusterDims[0]) * (place[1] + Math.floor(grid[1] / clusterDims[1]) * place[2])
  }

  blockOf(warp: number): number { return Math.floor(warp / this.grid.warpsPerBlock) }

  /** Whether `lane` is ordered after what lane `other` did in the event. */
  ordered(w: WarpClock, lane: number, event: number, other: number): boolean {
    const { events } = this
    const operation = events.operations.size === 0 ? undefined : events.operations.get(event)
    if (operation !== undefined) return this.observed(w, lane, operation, other)
    const warp = events.warps[event]
    return w.knows(lane, events.blocks[event], warp, other, events.stamps[event])
  }

  /** Whether all lanes of `w` are ordered after all lanes of the event. */
  orderedForAll(w: WarpClock, event: number): boolean {
    const { events } = this
    const operation = events.operations.size === 0 ? undefined : events.operations.get(event)
    if (operation === undefined) return w.allKnow(events.blocks[event], events.warps[event], events.stamps[event])
    return !operation.byLane && operation.observations.some((o) => w.allKnow(o.block, o.warp, o.stamp))
  }

  private observed(w: WarpClock, lane: number, { observations, byLane }: Operation, other: number): boolean {
    for (let i = observations.length - 1; i >= 0; i--) {
      const { block, warp, lanes, stamp } = observations[i]
      if (byLane && lanes !== 0) {
        if ((lanes >>> other) & 1 && w.knows(lane, block, warp, other, stamp)) return true
        continue
      }
      // An mbarrier has no lanes.
      if (lanes === 0) { if (w.knows(lane, block, warp, 0, stamp)) return true; continue }
      for (let m = lanes; m !== 0; m &= m - 1) if (w.knows(lane, block, warp, lowestLane(m), stamp)) return true
    }
    return false
  }

  /** Whether `lane` is ordered at least after the issue of an asynchronous operation. */
  afterIssue(w: WarpClock, lane: number, event: number): boolean {
    const issued = this.events.operations.get(event)?.issued
    return issued !== undefined && w.knows(lane, issued.block, issued.warp, lowestLane(issued.lanes), issued.stamp)
  }

  /** Room for another event, if need be by forgetting all accesses so far. */
  room(): void {
    if (this.events.count < maxEvents) return
    this.events.clear()
    this.shadow.forgetAccesses()
    for (const w of this.warps.values()) w.events.length = 0
    for (const part of this.forgetful) part.forget()
  }

  address(space: Space, at: number, cta: Cta): string {
    if (space === 'global') return showAddress(GLOBAL_HIGH, at)
    return `0x${(at - (sharedOwner(cta, at) ?? cta).sharedBase).toString(16)}`
  }

  /** A diagnostic about an access and an event before it. */
  tell(cls: DiagnosticClass, warp: Warp, lane: number, space: Space, at: number, message: string, event: number, other: number): void {
    const { events, grid } = this
    const site = events.siteOf(event)
    const { at: place } = site.instruction.statement
    const who = `${sayKind(site)} by ${this.reports.name(site.instruction, this.launch!, grid.warpsPerBlock, events.warps[event], other)}`
    this.reports.add(cls, warp, lane, this.address(space, at, warp.cta), message, who, `${place.line}:${place.column}`)
  }
}

export const sayKind = (site: Site): string => `${site.async ? 'asynchronous ' : ''}${site.atomic ? 'atomic' : site.writes ? 'write' : 'read'}`
