// Vector clocks. Time is one number for the whole launch, which grows at every synchronisation ("stamp"): an access carries the
// stamp its warp has then, and who knows a thread up to a stamp is ordered after all that the thread did with stamps so far.
//
// Threads are numbered 32 * warp + lane over the grid, warps as Warp.id; mbarriers count as further warps behind those of the grid.

/** How warps make blocks: for clocks and to name threads. */
export interface Grid { readonly warpsPerBlock: number; readonly numWarps: number }

/** What somebody knows of others, whole blocks, whole warps or threads: everything up to a stamp. Never changed once made. */
export class Clock {
  static readonly nothing = new Clock(new Map(), new Map(), new Map())
  private readonly anyBlocks: boolean
  private readonly anyWarps: boolean
  private readonly anyThreads: boolean
  constructor(readonly blocks: ReadonlyMap<number, number>, readonly warps: ReadonlyMap<number, number>, readonly threads: ReadonlyMap<number, number>) {
    this.anyBlocks = blocks.size > 0
    this.anyWarps = warps.size > 0
    this.anyThreads = threads.size > 0
  }

  /** Tells of warps or threads on their own, as signals between them leave them; barriers of blocks do not. */
  get detailed(): boolean { return this.anyWarps || this.anyThreads }

  knowsWarp(block: number, warp: number, stamp: number): boolean {
    if (this.anyBlocks) { const known = this.blocks.get(block); if (known !== undefined && known >= stamp) return true }
    if (!this.anyWarps) return false
    const known = this.warps.get(warp)
    return known !== undefined && known >= stamp
  }
  knows(block: number, warp: number, lane: number, stamp: number): boolean {
    if (this.knowsWarp(block, warp, stamp)) return true
    if (!this.anyThreads) return false
    const known = this.threads.get(32 * warp + lane)
    return known !== undefined && known >= stamp
  }
}

function raise(into: Map<number, number>, from: ReadonlyMap<number, number>): void {
  for (const [who, stamp] of from) if (!(into.get(who)! >= stamp)) into.set(who, stamp)
}

const includes = (a: ReadonlyMap<number, number>, b: ReadonlyMap<number, number>): boolean => {
  if (b.size > a.size) return false
  for (const [who, stamp] of b) if (!(a.get(who)! >= stamp)) return false
  return true
}

/** The last join: lanes of a warp mostly ask for the same one. */
const last = { a: Clock.nothing, b: Clock.nothing, sum: Clock.nothing }

export function join(a: Clock, b: Clock): Clock {
  if (a === b || b === Clock.nothing) return a
  if (a === Clock.nothing) return b
  if (last.a === a && last.b === b) return last.sum
  let sum = a
  if (!(includes(a.blocks, b.blocks) && includes(a.warps, b.warps) && includes(a.threads, b.threads))) {
    const draft = new ClockDraft(a)
    draft.add(b)
    sum = draft.clock()
  }
  last.a = a; last.b = b; last.sum = sum
  return sum
}

/** A clock that grows: of an mbarrier's phase, of a barrier that threads arrive at. */
export class ClockDraft {
  private blocks: Map<number, number>
  private warps: Map<number, number>
  private threads: Map<number, number>
  private made: Clock | null
  private latest: Clock | null

  constructor(from: Clock = Clock.nothing) {
    this.blocks = from.blocks as Map<number, number>; this.warps = from.warps as Map<number, number>; this.threads = from.threads as Map<number, number>
    // Maps of a finished clock are copied before they are written.
    this.made = from
    this.latest = from
  }

  add(clock: Clock): void {
    if (clock === this.latest || clock === Clock.nothing) return
    this.latest = clock
    this.own()
    raise(this.blocks, clock.blocks)
    raise(this.warps, clock.warps)
    raise(this.threads, clock.threads)
  }
  thread(thread: number, stamp: number): void { if (!(this.threads.get(thread)! >= stamp)) { this.own(); this.threads.set(thread, stamp) } }
  warp(warp: number, stamp: number): void { if (!(this.warps.get(warp)! >= stamp)) { this.own(); this.warps.set(warp, stamp) } }

  block(block: number, stamp: number): void { if (!(this.blocks.get(block)! >= stamp)) { this.own(); this.blocks.set(block, stamp) } }

  /** All of a block is known up to the stamp elsewhere: what is known of its single threads is part of that. */
  without(block: number, stamp: number, { warpsPerBlock }: Grid): void {
    this.own()
    for (const [warp, s] of this.warps) if (s <= stamp && Math.floor(warp / warpsPerBlock) === block) this.warps.delete(warp)
    for (const [thread, s] of this.threads) if (s <= stamp && Math.floor(thread / 32 / warpsPerBlock) === block) this.threads.delete(thread)
  }

  /** The clock so far; what is added later makes another one. */
  clock(): Clock { return (this.made ??= new Clock(this.blocks, this.warps, this.threads)) }

  /** Its maps were given away: go on with copies. */
  private own(): void {
    if (this.made === null) return
    this.blocks = new Map(this.blocks); this.warps = new Map(this.warps); this.threads = new Map(this.threads)
    this.made = null
  }
}
