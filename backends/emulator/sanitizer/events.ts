// Who accessed what: a site is one instruction in one role, an event one site run by one warp at one stamp, by any of its lanes.
// Shadow memory refers to events: `entry` = event << 5 | lane.
import type { AccessKind, AsyncOp, Instruction, Order, Scope } from '../machine.ts'
import type { WarpClock } from './warp_clock.ts'

export interface Site {
  readonly number: number
  readonly instruction: Instruction
  readonly writes: boolean
  readonly atomic: boolean
  /** An atomic that gives back what it found. */
  readonly found: boolean
  /** Strong accesses of scopes that include each other do not race. */
  readonly strong: boolean
  readonly volatile: boolean
  /** 0 cta, 1 cluster, 2 gpu and sys. */
  readonly scope: number
  readonly async: boolean
}

export const scopeLevel = (scope: Scope): number => (scope === 'cta' ? 0 : scope === 'cluster' ? 1 : 2)

/** Who knows that an asynchronous operation is complete: `lanes` of a warp from a stamp on (all lanes of an mbarrier's own warp). */
export interface Observation { readonly block: number; readonly warp: number; readonly lanes: number; readonly stamp: number }

/** What an asynchronous event has beyond others. */
export interface Operation {
  readonly op: AsyncOp
  readonly proxy: 'async' | 'generic'
  readonly observations: Observation[]
  /** Who issued it, and when: an access that is not even ordered with that is a race of the two threads too. */
  readonly issued: Observation
  /** Lanes stand for operations of their own: only their own observations count. */
  readonly byLane: boolean
}

/** No stamp reaches this: an asynchronous event is known by its observations only. */
const never = 2 ** 53
/** More events than this in a launch: the past is forgotten. */
export const maxEvents = 2 ** 22

export class Events {
  readonly sites: Site[] = []
  private readonly known = new WeakMap<Instruction, Site[]>()
  count = 1
  /** Numbers of events are given anew after each clear: those of before mean nothing any more. */
  generation = 0
  stamps = new Float64Array(1024)
  warps = new Int32Array(1024)
  blocks = new Int32Array(1024)
  siteNumbers = new Int32Array(1024)
  readonly operations = new Map<number, Operation>()

  site(instruction: Instruction, kind: AccessKind, order: Order, scope: Scope, async: boolean): Site {
    const writes = kind !== 'read'
    let own = this.known.get(instruction)
    if (own === undefined) this.known.set(instruction, (own = []))
    for (const site of own) if (site.writes === writes && site.async === async) return site
    const atomic = kind === 'atomic' || kind === 'reduce'
    const site: Site = { number: this.sites.length, instruction, writes, atomic, found: kind === 'atomic' && !async, strong: atomic || order !== 'weak', volatile: order === 'volatile', scope: scopeLevel(scope), async }
    own.push(site)
    this.sites.push(site)
    return site
  }

  /** The event of accesses that `w` makes now at this site. */
  at(w: WarpClock, site: Site): number {
    w.used = true
    const { number } = site
    const before = w.events[number]
    if (before !== undefined && this.stamps[before] === w.stamp) return before
    return (w.events[number] = this.add(w, w.stamp, number))
  }

  async(w: WarpClock, site: Site, operation: Operation): number {
    const event = this.add(w, never, site.number)
    this.operations.set(event, operation)
    return event
  }

  private add(w: WarpClock, stamp: number, site: number): number {
    const event = this.count++
    if (event >= this.stamps.length) this.grow()
    this.stamps[event] = stamp
    this.warps[event] = w.id
    this.blocks[event] = w.block
    this.siteNumbers[event] = site
    return event
  }
  private grow(): void {
    const size = this.stamps.length * 2
    const longer = (from: Int32Array) => { const to = new Int32Array(size); to.set(from); return to }
    const stamps = new Float64Array(size)
    stamps.set(this.stamps)
    this.stamps = stamps; this.warps = longer(this.warps); this.blocks = longer(this.blocks); this.siteNumbers = longer(this.siteNumbers)
  }

  /** What its own thread waited for is from then on as if it did it then; and back, if others may learn of it otherwise. */
  settle(event: number, stamp: number): void {
    this.stamps[event] = stamp
    this.operations.delete(event)
  }
  unsettle(event: number, operation: Operation): void {
    this.stamps[event] = never
    this.operations.set(event, operation)
  }

  siteOf(event: number): Site { return this.sites[this.siteNumbers[event]] }

  /** A new launch: nothing of the past counts. */
  clear(): void {
    this.count = 1
    this.generation++
    this.operations.clear()
  }
}
