// What synchronises threads beyond the warp: barriers, strong accesses to flags and locks, mbarriers.
import type { AccessKind, Cta, MbarrierKey, Order, Scope } from '../machine.ts'
import { Clock, ClockDraft, join } from './clock.ts'
import type { Core } from './core.ts'
import { scopeLevel } from './events.ts'
import type { WarpClock } from './warp_clock.ts'

/** A phase of a barrier of threads. */
interface Meeting {
  /** What those that arrived knew of others. */
  clock: Clock
  /** Of each warp, the lanes that arrived, and what they had done. */
  readonly arrivals: Map<number, Arrival>
  /** Nobody does anything between arriving and leaving. */
  allWait: boolean
  complete: boolean
  /** All of the block up to here, or 0. */
  floor: number
  /** The same as a clock, for lanes that leave on their own. */
  floorClock?: Clock
  /** By scope, what was behind a fence of those that arrived. */
  readonly fences: (Clock | null)[]
}
/** `apart`: what it had done is not part of it: the arrival is relaxed, or each lane told its own. */
interface Arrival { mask: number; stamp: number; readonly w: WarpClock; readonly blockFloor: number; apart: boolean }

export class Barriers {
  private readonly meetings = new WeakMap<object, Meeting>()
  constructor(private readonly core: Core) {}

  arrive(w: WarpClock, mask: number, key: object, how: 'wait' | 'go' | 'relaxed'): void {
    let meeting = this.meetings.get(key)
    if (!meeting) this.meetings.set(key, (meeting = { clock: Clock.nothing, arrivals: new Map(), allWait: true, complete: false, floor: 0, fences: [null, null, null] }))
    const { arrivals } = meeting
    const own = arrivals.get(w.id)
    const relaxed = how === 'relaxed'
    if (own) { own.mask |= mask; own.stamp = w.stamp; own.apart = relaxed } else arrivals.set(w.id, { mask, stamp: w.stamp, w, blockFloor: w.blockFloor, apart: relaxed })
    if (relaxed) meeting.clock = join(meeting.clock, w.fenceClock(mask, 1) ?? Clock.nothing)
    else meeting.clock = join(w.sum(mask), meeting.clock)
    if (how !== 'wait') {
      meeting.allWait = false
      // Lanes that go on at different times publish each what it had done.
      if (!relaxed && (w.warp.alive & ~mask) !== 0) meeting.clock = join(meeting.clock, this.lanesApart(w, mask, arrivals.get(w.id)!))
    }
    for (let scope = 0; scope < 3; scope++) {
      const clock = w.fenceClock(mask, scope)
      if (clock !== null) meeting.fences[scope] = join(meeting.fences[scope] ?? Clock.nothing, clock)
    }
    w.tick()
  }
  private lanesApart(w: WarpClock, mask: number, arrival: Arrival): Clock {
    arrival.apart = true
    const draft = new ClockDraft()
    w.publishAll(mask, draft)
    return draft.clock()
  }

  leave(w: WarpClock, mask: number, key: object): void {
    const meeting = this.meetings.get(key)
    if (!meeting) return
    if (!meeting.complete) this.complete(w.warp.cta, w.block, meeting)
    const own = meeting.arrivals.get(w.id)
    for (let scope = 0; scope < 3; scope++) w.learnFences(mask, scope, meeting.fences[scope])
    // A floor is of all lanes of a warp.
    if (meeting.floor > 0 && (w.warp.alive & ~mask) !== 0) w.learn(mask, (meeting.floorClock ??= this.floorClock(w.block, meeting)))
    w.leave(mask, meeting.clock, meeting.floor, own === undefined || own.apart ? 0 : own.stamp, own?.mask ?? 0)
  }

  private floorClock(block: number, { floor }: Meeting): Clock {
    const draft = new ClockDraft()
    draft.block(block, floor)
    return draft.clock()
  }

  /** With all warps of the block there, one stamp says it: their lanes that exited count, nobody waits for them. */
  private complete(cta: Cta, block: number, meeting: Meeting): void {
    const { core } = this
    meeting.complete = true
    if (meeting.allWait && this.everybody(cta, meeting)) {
      meeting.floor = core.time.now
      if (!meeting.clock.detailed) return
      const draft = new ClockDraft(meeting.clock)
      draft.without(block, meeting.floor, core.grid)
      meeting.clock = draft.clock()
      return
    }
    const draft = new ClockDraft(meeting.clock)
    for (const [id, { w, stamp, blockFloor, apart }] of meeting.arrivals) {
      if (apart) continue
      if (blockFloor > 0) draft.block(w.block, blockFloor)
      draft.warp(id, stamp)
    }
    meeting.clock = draft.clock()
  }
  private everybody(cta: Cta, { arrivals }: Meeting): boolean {
    for (const x of cta.warps) {
      const own = arrivals.get(x.id)
      // A warp that ended without coming here is not ordered by it.
      if (own === undefined || (x.alive & ~own.mask) !== 0) return false
    }
    return arrivals.size === cta.warps.length
  }
}

/** What acquires from a place can see, by the scope it was released with: 0 in one block, 1 in one cluster, 2 anywhere. */
interface Place { readonly levels: (Clock | null)[]; block: number; cluster: number }

export class Places {
  private readonly places = new Map<number, Place>()
  clear(): void { this.places.clear() }

  /** A strong access of each lane, after it was checked for races. */
  access(w: WarpClock, mask: number, linear: Uint32Array, kind: AccessKind, order: Order, scope: Scope): void {
    const { places } = this
    const releases = kind !== 'read' && (order === 'release' || order === 'acq_rel' || order === 'sc')
    const publishes = kind !== 'read' && (releases || w.fences[0] !== null)
    if (places.size === 0 && !publishes) return
    const level = scopeLevel(scope)
    // A read-modify-write sees what it adds to: no later access of the thread can come before (as the "last block" pattern needs).
    const acquires = order === 'acquire' || order === 'acq_rel' || order === 'sc' || kind === 'atomic'
    for (let lane = 0, m = mask; m !== 0; lane++, m >>>= 1) {
      if (!(m & 1)) continue
      const place = places.get(linear[lane])
      if (place !== undefined && kind !== 'write' && kind !== 'reduce') {
        const seen = this.visible(w, place, level)
        if (seen !== null) { if (acquires) w.learn(1 << lane, seen); else w.saw(lane, seen) }
      }
      if (kind !== 'read') this.write(w, lane, linear[lane], place, level, releases, kind === 'write')
    }
    if (releases) w.tick()
  }

  private visible(w: WarpClock, place: Place, level: number): Clock | null {
    let seen = level === 2 ? place.levels[2] : null
    const add = (clock: Clock | null) => { if (clock !== null) seen = seen === null ? clock : join(seen, clock) }
    if (place.cluster === w.cluster && level >= 1) add(place.levels[1])
    if (place.block === w.block) add(place.levels[0])
    return seen
  }

  /** A store begins anew, an atomic adds to what is there. */
  private write(w: WarpClock, lane: number, at: number, place: Place | undefined, scope: number, releases: boolean, anew: boolean): void {
    const levels: (Clock | null)[] = [null, null, null]
    for (let level = 0; level <= scope; level++) {
      const kept = anew || place === undefined || (level === 0 && place.block !== w.block) || (level === 1 && place.cluster !== w.cluster) ? null : place.levels[level]
      const draft = new ClockDraft(kept ?? Clock.nothing)
      let any = kept !== null
      if (releases) { w.publish(lane, draft); any = true } else any = w.publishFence(lane, level, draft) || any
      levels[level] = any ? draft.clock() : null
    }
    if (!anew && place !== undefined) for (let level = scope + 1; level < 3; level++) levels[level] = place.levels[level]
    if (levels[0] === null && levels[1] === null && levels[2] === null) { if (place !== undefined) this.places.delete(at) } else this.places.set(at, { levels, block: w.block, cluster: w.cluster })
  }
}

/** An mbarrier's clock: of the phases that ended, and of the running one. */
interface Signal { readonly object: number; phase: number; readonly past: ClockDraft; running: ClockDraft }

export class Signals {
  private readonly signals = new WeakMap<object, Signal>()
  constructor(private readonly core: Core) {}

  private of(key: MbarrierKey): Signal {
    let own = this.signals.get(key)
    if (!own) this.signals.set(key, (own = { object: this.core.newObject(), phase: key.phase, past: new ClockDraft(), running: new ClockDraft() }))
    if (own.phase !== key.phase) {
      own.past.add(own.running.clock())
      own.running = new ClockDraft()
      own.phase = key.phase
    }
    return own
  }

  arrive(w: WarpClock, mask: number, key: MbarrierKey, order: Order): void {
    const { running } = this.of(key)
    if (order !== 'relaxed') w.publishAll(mask, running)
    else for (let lane = 0, m = mask; m !== 0; lane++, m >>>= 1) if (m & 1) w.publishFence(lane, 1, running)
    w.tick()
  }

  observed(w: WarpClock, mask: number, key: MbarrierKey, order: Order): void {
    const { past } = this.of(key)
    if (order !== 'relaxed') w.learn(mask, past.clock())
    else for (let lane = 0, m = mask; m !== 0; lane++, m >>>= 1) if (m & 1) w.saw(lane, past.clock())
  }

  /** An operation completes on it: the object's number and the stamp that stand for that. */
  complete(key: MbarrierKey): { object: number; stamp: number } {
    const own = this.of(key)
    const stamp = ++this.core.time.now
    own.running.warp(own.object, stamp)
    return { object: own.object, stamp }
  }
}
