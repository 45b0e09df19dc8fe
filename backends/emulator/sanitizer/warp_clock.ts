// What the lanes of one warp know. Mostly all know the same: then one clock and two floors answer for the warp.
import { product } from '../dims.ts'
import type { Warp } from '../machine.ts'
import { Clock, ClockDraft, join, type Grid } from './clock.ts'

/** Time of the launch; it grows at every release. */
export interface Time { now: number }

/** Knowledge as it stood at a fence: what a later relaxed write publishes. One for each scope, by lane. */
export class FenceRecord {
  readonly stamps = new Float64Array(32)
  readonly floors = new Float64Array(32)
  readonly blockFloors = new Float64Array(32)
  readonly clocks: Clock[] = new Array<Clock>(32).fill(Clock.nothing)
  /** There is something to publish. */
  readonly any = new Uint8Array(32)
  readonly rows: (Float64Array | null)[] = new Array<Float64Array | null>(32).fill(null)
}

const allLanes = -1

export class WarpClock {
  readonly id: number
  readonly block: number
  readonly cluster: number
  /** Lanes of the block's size: those that exited are ordered by nothing that they did not take part in. */
  private readonly existing: number
  /** Of accesses made now. */
  stamp: number
  /** Something was accessed with `stamp`. */
  used = false
  /** Every lane knows its warp mates up to here. */
  mateFloor = 0
  /** Where they know more than that: row of who knows, column of whom. */
  mates: Float64Array | null = null
  /** Every lane knows all threads of the block up to here. */
  blockFloor = 0
  /** What every lane knows of others beyond the floors, or, where lanes differ, `lanes`. */
  clock = Clock.nothing
  lanes: Clock[] | null = null
  /** What relaxed reads have seen, to be known from the next fence on. */
  pending: (Clock | undefined)[] | null = null
  /** By scope: 0 cta, 1 cluster, 2 gpu and sys. */
  fences: (FenceRecord | null)[] = [null, null, null]
  /** A fence was executed since all of the warp last synchronised. */
  fenced = false
  /** Event of each site at the stamp it was made with. */
  readonly events: number[] = []

  constructor(readonly warp: Warp, private readonly time: Time, clusterIndex: number) {
    this.id = warp.id
    this.block = warp.cta.index
    this.cluster = clusterIndex
    this.stamp = ++time.now
    const threads = product(warp.cta.launch.block) - 32 * warp.index
    this.existing = threads >= 32 ? allLanes : (1 << threads) - 1
  }

  /** After knowledge of this warp was given to others: what it does now is not part of that. */
  tick(): void {
    this.stamp = ++this.time.now
    this.used = false
  }

  of(lane: number): Clock { return this.lanes === null ? this.clock : this.lanes[lane] }

  /** Whether `lane` is ordered after what `lane` `other` of warp `warp` did at `stamp`. */
  knows(lane: number, block: number, warp: number, other: number, stamp: number): boolean {
    if (warp === this.id) return lane === other || stamp <= this.mateFloor || (this.mates !== null && stamp <= this.mates[32 * lane + other]) || this.of(lane).knows(block, warp, other, stamp)
    if (block === this.block && stamp <= this.blockFloor) return true
    return this.of(lane).knows(block, warp, other, stamp)
  }

  /** Whether all lanes are ordered after what all lanes of another warp, or of this one, did at `stamp`. */
  allKnow(block: number, warp: number, stamp: number): boolean {
    if (block === this.block && stamp <= this.blockFloor) return true
    if (warp === this.id) return stamp <= this.mateFloor
    return this.lanes === null && this.clock.knowsWarp(block, warp, stamp)
  }

  /** All that `lane` knows, itself included: what it publishes. */
  publish(lane: number, into: ClockDraft): void {
    into.add(this.of(lane))
    this.publishOwn(lane, into, this.stamp, this.blockFloor, this.mateFloor, this.mates === null ? null : this.mates.subarray(32 * lane, 32 * lane + 32))
  }
  private publishOwn(lane: number, into: ClockDraft, stamp: number, blockFloor: number, floor: number, row: Float64Array | null): void {
    if (blockFloor > 0) into.block(this.block, blockFloor)
    if (floor > blockFloor) into.warp(this.id, floor)
    if (stamp === 0) return
    if (row !== null) for (let k = 0; k < 32; k++) if (row[k] > floor) into.thread(32 * this.id + k, row[k])
    into.thread(32 * this.id + lane, stamp)
  }
  publishAll(mask: number, into: ClockDraft): void {
    if ((this.warp.alive & ~mask) === 0 && this.lanes === null) {
      into.add(this.clock)
      if (this.blockFloor > 0) into.block(this.block, this.blockFloor)
      into.warp(this.id, this.stamp)
      return
    }
    for (let lane = 0, m = mask; m !== 0; lane++, m >>>= 1) if (m & 1) this.publish(lane, into)
  }
  /** What the lane knew at its last fence of this scope or a wider one. */
  publishFence(lane: number, scope: number, into: ClockDraft): boolean {
    const record = this.fences[scope]
    if (record === null || record.any[lane] === 0) return false
    into.add(record.clocks[lane])
    this.publishOwn(lane, into, record.stamps[lane], record.blockFloors[lane], record.floors[lane], record.rows[lane])
    return true
  }

  /** What all lanes of the mask knew at their fences of this scope; null if there were none. */
  fenceClock(mask: number, scope: number): Clock | null {
    if (this.fences[scope] === null) return null
    const draft = new ClockDraft()
    let any = false
    for (let lane = 0, m = mask; m !== 0; lane++, m >>>= 1) if (m & 1) any = this.publishFence(lane, scope, draft) || any
    return any ? draft.clock() : null
  }
  /**
   * Fences of others count for a lane that synchronised with them after: "fence; barrier; one thread sets the flag" is how
   * programs publish what a whole block wrote.
   */
  learnFences(mask: number, scope: number, clock: Clock | null): void {
    if (clock === null) return
    const record = (this.fences[scope] ??= new FenceRecord())
    for (let lane = 0, m = mask; m !== 0; lane++, m >>>= 1) {
      if (!(m & 1)) continue
      record.clocks[lane] = join(record.clocks[lane], clock)
      record.any[lane] = 1
    }
  }

  learn(mask: number, clock: Clock): void {
    if (clock === Clock.nothing) return
    if ((this.warp.alive & ~mask) === 0 && this.lanes === null) { this.clock = join(this.clock, clock); return }
    const lanes = (this.lanes ??= new Array<Clock>(32).fill(this.clock))
    for (let lane = 0, m = mask; m !== 0; lane++, m >>>= 1) if (m & 1) lanes[lane] = join(lanes[lane], clock)
    this.unite()
  }
  /** One clock again, if all living lanes have the same. */
  private unite(): void {
    const lanes = this.lanes!
    const { alive } = this.warp
    let same: Clock | undefined
    for (let lane = 0, m = alive; m !== 0; lane++, m >>>= 1) {
      if (!(m & 1)) continue
      if (same === undefined) same = lanes[lane]
      else if (same !== lanes[lane]) return
    }
    this.clock = same ?? this.clock
    this.lanes = null
  }

  /** A relaxed read saw what `clock` published. */
  saw(lane: number, clock: Clock): void {
    const pending = (this.pending ??= [])
    pending[lane] = join(pending[lane] ?? Clock.nothing, clock)
  }

  /** `scope` 0, 1 or 2; `acquires`, `releases`: what the fence does. */
  fence(mask: number, scope: number, acquires: boolean, releases: boolean): void {
    if (acquires && this.pending !== null) {
      for (let lane = 0, m = mask; m !== 0; lane++, m >>>= 1) {
        const seen = m & 1 ? this.pending[lane] : undefined
        if (seen === undefined) continue
        this.learn(1 << lane, seen)
        this.pending[lane] = undefined
      }
    }
    if (!releases) return
    this.fenced = true
    for (let level = 0; level <= scope; level++) {
      const record = (this.fences[level] ??= new FenceRecord())
      for (let lane = 0, m = mask; m !== 0; lane++, m >>>= 1) {
        if (!(m & 1)) continue
        record.any[lane] = 1
        record.stamps[lane] = this.stamp
        record.floors[lane] = this.mateFloor
        record.blockFloors[lane] = this.blockFloor
        record.clocks[lane] = join(this.of(lane), record.clocks[lane])
        record.rows[lane] = this.mates === null ? null : this.mates.slice(32 * lane, 32 * lane + 32)
      }
    }
    this.tick()
  }

  /** The lanes of `mask` waited for each other. */
  sync(mask: number): void {
    if (this.fenced) this.shareFences(mask)
    if ((this.existing & ~mask) === 0) {
      if (this.lanes !== null) this.merge(allLanes)
      this.mates = null
      if (!this.used) { this.mateFloor = this.stamp - 1; return }
      this.mateFloor = this.stamp
      this.tick()
      return
    }
    if (this.lanes !== null) this.merge(mask)
    const mates = (this.mates ??= new Float64Array(32 * 32))
    const row = new Float64Array(32)
    for (let lane = 0, m = mask; m !== 0; lane++, m >>>= 1) {
      if (!(m & 1)) continue
      for (let k = 0; k < 32; k++) row[k] = Math.max(row[k], mates[32 * lane + k])
      row[lane] = this.stamp
    }
    for (let lane = 0, m = mask; m !== 0; lane++, m >>>= 1) if (m & 1) mates.set(row, 32 * lane)
    this.tick()
  }
  private shareFences(mask: number): void {
    for (let scope = 0; scope < 3; scope++) this.learnFences(mask, scope, this.fenceClock(mask, scope))
    if ((this.warp.alive & ~mask) === 0) this.fenced = false
  }
  /** What the lanes of the mask know of others, together. */
  sum(mask: number): Clock {
    const { lanes } = this
    if (lanes === null) return this.clock
    let sum = Clock.nothing
    for (let lane = 0, m = mask; m !== 0; lane++, m >>>= 1) if (m & 1) sum = join(sum, lanes[lane])
    return sum
  }
  private merge(mask: number): void {
    const lanes = this.lanes!
    const { alive } = this.warp
    const sum = this.sum(mask & alive)
    for (let lane = 0, m = mask & alive; m !== 0; lane++, m >>>= 1) if (m & 1) lanes[lane] = sum
    this.unite()
  }

  /** The warp leaves a barrier: `clock` is what came together there; all of the block up to `floor`, all of the warp up to `own`. */
  leave(mask: number, clock: Clock, floor: number, own: number, arrived: number): void {
    this.learn(mask, clock)
    if ((this.warp.alive & ~mask) === 0) {
      this.blockFloor = Math.max(this.blockFloor, floor)
      if ((this.warp.alive & ~arrived) === 0) { this.mateFloor = Math.max(this.mateFloor, own); this.mates = null }
    } else {
      const mates = (this.mates ??= new Float64Array(32 * 32))
      for (let lane = 0, m = mask; m !== 0; lane++, m >>>= 1) {
        if (!(m & 1)) continue
        for (let k = 0; k < 32; k++) if ((arrived >>> k) & 1) mates[32 * lane + k] = Math.max(mates[32 * lane + k], own)
      }
    }
    this.tick()
  }
}

/** Index of a cluster in the grid. */
export function clusterIndex(warp: Warp): number {
  const { id, dims } = warp.cta.cluster
  const { grid } = warp.cta.launch
  return id[0] + Math.floor(grid[0] / dims[0]) * (id[1] + Math.floor(grid[1] / dims[1]) * id[2])
}

export function gridOf(warp: { cta: Warp['cta'] }): Grid {
  const { warps, launch } = warp.cta
  return { warpsPerBlock: warps.length, numWarps: warps.length * launch.grid[0] * launch.grid[1] * launch.grid[2] }
}
