// Asynchronous operations: what they touch is checked when they are issued, with what the issuing thread knows; later accesses meet
// their events, which only those know to whom the completion was shown.
import type { AsyncOp, AsyncRange, Cta } from '../machine.ts'
import { sayKind, type Core, type Space } from './core.ts'
import type { Entries } from './entries.ts'
import type { Operation, Site } from './events.ts'
import type { Lifetimes } from './lifetimes.ts'
import type { ProxyFences } from './proxy_fences.ts'
import { barrierObject, blank, insidePage, pageBytes, written } from './shadow.ts'
import type { WarpClock } from './warp_clock.ts'

export interface Handle {
  readonly op: AsyncOp
  readonly warp: WarpClock
  readonly proxy: 'async' | 'generic'
  /** Of what it reads and of what it writes: the source may be free before the copy has landed. */
  readonly reading: Operation
  readonly writing: Operation
  readsShared: boolean
  /** Its events, with the operation that each stands for. */
  readonly events: [number, Operation][]
  settled: boolean
  /** When the numbers of its events were given. */
  readonly generation: number
}

export class Operations {
  /** By block: bulk copies out of its shared memory that nobody has waited for. */
  private readonly open = new Map<Cta, Set<Handle>>()
  /** Observations that the parts of an operation share. */
  private readonly wholes = new WeakMap<AsyncOp, Operation['observations']>()
  constructor(private readonly core: Core, private readonly entries: Entries, private readonly fences: ProxyFences, private readonly lifetimes: Lifetimes) {}

  issue(w: WarpClock, op: AsyncOp, proxy: 'async' | 'generic', ranges: readonly AsyncRange[]): Handle {
    const { core } = this
    core.room()
    this.running = op
    const byLane = ranges.some((r) => r.lane !== undefined)
    const shared = op.whole && (this.wholes.get(op.whole) ?? [])
    if (op.whole) this.wholes.set(op.whole, shared!)
    w.used = true
    const issued = { block: w.block, warp: w.id, lanes: 1 << op.lane, stamp: w.stamp }
    const operation = (): Operation => ({ op, proxy, observations: shared ?? [], byLane, issued })
    const handle: Handle = { op, warp: w, proxy, reading: operation(), writing: operation(), readsShared: false, events: [], settled: false, generation: core.events.generation }
    const made = new Map<Site, number>()
    for (const range of ranges) {
      const site = core.events.site(op.instruction, range.kind, range.kind === 'atomic' ? 'relaxed' : 'weak', 'gpu', true)
      let event = made.get(site)
      if (event === undefined) {
        const own = site.writes ? handle.writing : handle.reading
        made.set(site, (event = core.events.async(w, site, own)))
        handle.events.push([event, own])
      }
      this.touch(w, range.lane ?? op.lane, range, site, event, proxy)
      if (range.space === 'shared' && op.warp.cta.cluster.ctas.length > 1) this.lifetimes.touched(op.warp, range.lane ?? op.lane, range.start, event)
      if (range.space === 'shared' && range.kind === 'read') handle.readsShared = true
    }
    if (handle.readsShared && op.instruction.statement.opcode === 'cp') {
      const { cta } = op.warp
      const own = this.open.get(cta)
      if (own) own.add(handle)
      else this.open.set(cta, new Set([handle]))
    }
    return handle
  }

  observed(w: WarpClock, lanes: number, handle: Handle, readOnly: boolean): void {
    const seen = { block: w.block, warp: w.id, lanes, stamp: w.stamp }
    handle.reading.observations.push(seen)
    if (!readOnly && handle.writing.observations !== handle.reading.observations) handle.writing.observations.push(seen)
    if (handle.generation !== this.core.events.generation) { this.close(handle); return }
    if (handle.proxy === 'generic' && handle.reading.observations.length === 1 && !handle.reading.byLane && w === handle.warp && lanes === 1 << handle.op.lane && !readOnly) {
      handle.settled = true
      for (const [event] of handle.events) this.core.events.settle(event, w.stamp)
    }
    // What the lanes do next with this stamp must not pass for what they published before.
    w.used = true
    this.close(handle)
  }
  /** An mbarrier was told; it has no lanes. */
  signalled(handle: Handle, object: number, stamp: number): void {
    if (handle.settled && handle.generation === this.core.events.generation) for (const [event, own] of handle.events) this.core.events.unsettle(event, own)
    handle.settled = false
    const seen = { block: -1, warp: object, lanes: 0, stamp }
    handle.reading.observations.push(seen)
    handle.writing.observations.push(seen)
    this.close(handle)
  }
  private close(handle: Handle): void { if (handle.readsShared) this.open.get(handle.op.warp.cta)?.delete(handle) }

  ctaEnded(cta: Cta): void {
    for (const { op } of this.open.get(cta) ?? []) {
      const { current } = op.warp
      op.warp.current = op.instruction
      this.core.reports.add('async-race', op.warp, op.lane, null, 'the block ended before anybody waited for this copy to have read its shared memory', null, 'end')
      op.warp.current = current
    }
    this.open.delete(cta)
  }
  clear(): void { this.open.clear() }

  private touch(w: WarpClock, lane: number, { space, start, bytes }: AsyncRange, site: Site, event: number, proxy: 'async' | 'generic'): void {
    const { core } = this
    const me = (event << 5) | lane
    for (let at = start; at < start + bytes;) {
      const end = Math.min(start + bytes, at - (at & insidePage) + pageBytes)
      // Ranges begin and end at words, or the entries are made as fine as they need.
      const fine = ((at | end) & 3) === 0 ? 4 : ((at | end) & 1) === 0 ? 2 : 1
      const page = space === 'shared' ? core.shadow.sharedPage(at, fine) : core.shadow.page(at, fine)
      const { writes, reads, shift, states } = page
      const from = at & insidePage, to = from + end - at
      if (space === 'shared') this.states(w, lane, site, states!, from, to, at)
      let fenced = 0, okWrite = 0
      for (let i = from >> shift; i < to >> shift; i++) {
        const place = at - from + (i << shift)
        const before = writes[i]
        if (before !== 0) {
          if (before >> 5 !== okWrite) { if (before > 0 && core.orderedForAll(w, before >> 5)) okWrite = before >> 5; else this.entries.each(before, (e, other) => this.against(w, lane, site, e, other, space, place)) }
          if (proxy === 'async' && !site.writes && before !== fenced) {
            this.entries.each(before, (e, other) => this.crossing(w, lane, site, e, other, space, place))
            fenced = before
          }
        }
        if (!site.writes) { reads[i] = this.entries.addReader(w, lane, reads[i], event, space); continue }
        if (reads[i] !== 0) { this.entries.each(reads[i], (e, other) => this.against(w, lane, site, e, other, space, place)); core.shadow.free(reads[i]); reads[i] = 0 }
        core.shadow.free(before)
        writes[i] = me
      }
      at = end
    }
  }

  private states(w: WarpClock, lane: number, site: Site, states: Uint8Array, from: number, to: number, at: number): void {
    const { core } = this
    for (let i = from; i < to; i++) {
      if (states[i] === written) continue
      const address = core.address('shared', at - from + i, w.warp.cta)
      if (states[i] === barrierObject) { core.reports.add('mbarrier-misuse', w.warp, lane, address, `${sayKind(site)} of a live mbarrier object`, null, ''); return }
      if (!site.writes && states[i] === blank) { core.reports.add('uninitialised-shared-read', w.warp, lane, address, 'reads shared memory that nothing wrote', null, ''); return }
      states[i] = written
    }
  }

  private against(w: WarpClock, lane: number, site: Site, event: number, other: number, space: Space, at: number): void {
    const { core } = this
    if (core.events.operations.get(event)?.op === this.running || core.ordered(w, lane, event, other)) return
    const before = core.events.siteOf(event)
    if ((!site.writes && !before.writes) || (site.strong && before.strong)) return
    const how = before.async ? 'whose completion nobody observed before' : 'without an order between them'
    const message = `${sayKind(site)} of ${space} memory conflicts with an earlier ${sayKind(before)}, ${how}`
    core.tell('async-race', w.warp, lane, space, at, message, event, other)
    if (!before.async) core.tell(`${space}-race`, w.warp, lane, space, at, message, event, other)
  }
  private running: AsyncOp | null = null

  /** A write of the generic proxy must have been fenced before an operation of the async proxy reads it. */
  private crossing(w: WarpClock, lane: number, site: Site, event: number, other: number, space: Space, at: number): void {
    const { core } = this
    const operation = core.events.operations.get(event)
    if (operation?.proxy === 'async' || !core.ordered(w, lane, event, other) || this.fences.cover(w, lane, event, other, space)) return
    core.tell('missing-proxy-fence', w.warp, lane, space, at, `${sayKind(site)} of ${space} memory through the async proxy, without fence.proxy.async after a generic write`, event, other)
  }
}
