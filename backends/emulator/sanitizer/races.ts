// Accesses of the threads: initialised shared memory, and races by happens-before. The lane loops here run for every memory
// instruction: no objects, and one look at an event for all the lanes that meet it.
import type { AccessKind, Order, Scope, Stored, Warp } from '../machine.ts'
import type { Core, Space } from './core.ts'
import { sayKind } from './core.ts'
import type { Entries } from './entries.ts'
import type { Site } from './events.ts'
import type { Lifetimes } from './lifetimes.ts'
import { barrierObject, insidePage, pageShift, written, type Page } from './shadow.ts'
import type { WarpClock } from './warp_clock.ts'

const allWritten = 0x01010101

export class Races {
  // Of the access being looked at.
  private linear!: Uint32Array
  private mask = 0
  private bytes = 0
  private stored: Stored | null = null
  private space: Space = 'global'
  private site!: Site
  private event = 0

  constructor(private readonly core: Core, private readonly entries: Entries, private readonly lifetimes: Lifetimes) {}

  check(warp: Warp, w: WarpClock, mask: number, space: Space, kind: AccessKind, linear: Uint32Array, bytes: number, order: Order, scope: Scope, stored: Stored | null): void {
    const { core } = this
    core.room()
    this.linear = linear
    this.mask = mask
    this.bytes = bytes
    this.stored = stored
    this.space = space
    this.site = core.events.site(warp.current, kind, order, scope, false)
    this.event = core.events.at(w, this.site)
    if (space === 'shared' && warp.cta.cluster.ctas.length > 1) this.lifetimes.accessed(warp, mask, linear, this.event)
    if (kind === 'read') this.reads(w, mask, linear, bytes)
    else if (this.site.strong) this.strongWrites(w, mask, linear, bytes)
    else this.writes(w, mask, linear, bytes)
  }

  private reads(w: WarpClock, mask: number, linear: Uint32Array, bytes: number): void {
    const { core, event, site: { strong } } = this
    const shared = this.space === 'shared'
    // Events that all lanes are ordered after; 0 is none.
    let number = -1, shift = 2, okWrite = 0, okRead = 0
    let page!: Page, writes!: Int32Array, reads!: Int32Array
    for (let lane = 0, m = mask; m !== 0; lane++, m >>>= 1) {
      if (!(m & 1)) continue
      const at = linear[lane]
      if (at >>> pageShift !== number) {
        page = shared ? core.shadow.sharedPage(at, bytes) : core.shadow.page(at, bytes)
        number = at >>> pageShift
        shift = page.shift
        writes = page.writes
        reads = page.reads
      }
      if (shared && !isWritten(page, at & insidePage, bytes)) this.notWritten(w, lane, page, at)
      const me = (event << 5) | lane
      let i = (at & insidePage) >> shift
      for (const end = i + (bytes >> shift); i < end; i++) {
        const before = writes[i]
        if (before !== 0 && before >> 5 !== okWrite) {
          if (before > 0 && core.orderedForAll(w, before >> 5)) okWrite = before >> 5
          else this.againstEach(w, lane, before, place(at, i, shift))
        }
        const reader = reads[i]
        if (reader === me) continue
        if (reader === 0 || reader >> 5 === okRead) { reads[i] = me; continue }
        // A strong read does not stand for weak ones before it.
        if (reader > 0 && !strong && reader >> 5 !== event && core.orderedForAll(w, reader >> 5)) { okRead = reader >> 5; reads[i] = me; continue }
        reads[i] = this.entries.addReader(w, lane, reader, event, this.space)
      }
    }
  }

  private writes(w: WarpClock, mask: number, linear: Uint32Array, bytes: number): void {
    const { core, event } = this
    const shared = this.space === 'shared'
    let number = -1, shift = 2, ok = 0
    let page!: Page, writes!: Int32Array, reads!: Int32Array
    for (let lane = 0, m = mask; m !== 0; lane++, m >>>= 1) {
      if (!(m & 1)) continue
      const at = linear[lane]
      if (at >>> pageShift !== number) {
        page = shared ? core.shadow.sharedPage(at, bytes) : core.shadow.page(at, bytes)
        number = at >>> pageShift
        shift = page.shift
        writes = page.writes
        reads = page.reads
      }
      if (shared && !isWritten(page, at & insidePage, bytes)) this.writeStates(w, lane, page, at)
      const me = (event << 5) | lane
      let i = (at & insidePage) >> shift
      for (const end = i + (bytes >> shift); i < end; i++) {
        const before = writes[i], reader = reads[i]
        writes[i] = me
        if (before !== 0 && before >> 5 !== ok) {
          if (before > 0 && core.orderedForAll(w, before >> 5)) ok = before >> 5
          else this.againstEach(w, lane, before, place(at, i, shift))
        }
        if (reader === 0) continue
        reads[i] = 0
        if (reader >> 5 === ok) continue
        if (reader > 0 && core.orderedForAll(w, reader >> 5)) ok = reader >> 5
        else this.againstEach(w, lane, reader, place(at, i, shift))
      }
    }
  }

  /** Strong accesses do not replace weak ones, which others may race with that go together with these. */
  private strongWrites(w: WarpClock, mask: number, linear: Uint32Array, bytes: number): void {
    const { core, event, site: { instruction: { name } } } = this
    const shared = this.space === 'shared'
    const blind = !this.site.atomic || name.includes('.exch')
    for (let lane = 0, m = mask; m !== 0; lane++, m >>>= 1) {
      if (!(m & 1)) continue
      const at = linear[lane]
      const page = shared ? core.shadow.sharedPage(at, bytes) : core.shadow.page(at, bytes)
      const { shift, writes, reads } = page
      if (shared && !isWritten(page, at & insidePage, bytes)) {
        if (!blind) this.notWritten(w, lane, page, at)
        this.writeStates(w, lane, page, at)
      }
      let i = (at & insidePage) >> shift
      for (const end = i + (bytes >> shift); i < end; i++) {
        const before = writes[i]
        const kept = before === 0 ? 0 : this.againstEach(w, lane, before, place(at, i, shift))
        writes[i] = kept === 0 ? (event << 5) | lane : this.entries.join(kept, event, lane, this.space)
        if (reads[i] !== 0) reads[i] = this.againstEach(w, lane, reads[i], place(at, i, shift))
      }
    }
  }

  /**
   * The running access against each event of an entry, the newest first. A weak write replaces all of them; of a strong one come
   * back those that stay: weak ones, and strong ones that are not ordered before it. A read leaves the entry as it is.
   */
  private againstEach(w: WarpClock, lane: number, entry: number, at: number): number {
    const { core: { shadow, events }, site } = this
    if (entry > 0) return this.against(w, lane, entry >> 5, entry & 31, at) ? entry : 0
    let first = 0, last = 0, seen = false
    for (let node = ~entry; node !== 0;) {
      const next = shadow.nexts[node]
      const event = shadow.events[node]
      let lanes = shadow.lanes[node]
      // What an atomic of this very thread found here is before all that the thread does here next.
      if (!(seen && events.siteOf(event).atomic)) {
        lanes = 0
        for (let other = 0, m = shadow.lanes[node]; m !== 0; other++, m >>>= 1) if (m & 1 && this.against(w, lane, event, other, at)) lanes |= 1 << other
      }
      if (events.warps[event] === w.id && (shadow.lanes[node] >>> lane) & 1 && events.siteOf(event).found) seen = true
      if (site.writes) {
        if (lanes !== 0 && site.strong) {
          shadow.lanes[node] = lanes
          shadow.nexts[node] = 0
          if (first === 0) first = node
          else shadow.nexts[last] = node
          last = node
        } else shadow.freeOne(node)
      }
      node = next
    }
    return first === 0 ? 0 : ~first
  }

  /** Whether the event stays beside the access: it is not ordered but goes together with it, or a strong access does not cover it. */
  private against(w: WarpClock, lane: number, event: number, other: number, at: number): boolean {
    const { core, site } = this
    const before = core.events.siteOf(event)
    if (core.ordered(w, lane, event, other)) return site.strong && !before.strong
    if (!site.writes && !before.writes) return true
    if (site.strong && before.strong && this.together(w, before, event)) return true
    if (before === site && site.writes && this.sameValue(w, lane, event, other, at)) return false
    const message = `${sayKind(site)} of ${this.space} memory conflicts with an earlier ${sayKind(before)}`
    if (before.async) core.tell('async-race', w.warp, lane, this.space, at, `${message}, whose completion nobody observed before`, event, other)
    if (!before.async || !core.afterIssue(w, lane, event)) core.tell(`${this.space}-race`, w.warp, lane, this.space, at, `${message}, without an order between them`, event, other)
    return false
  }

  /** Strong accesses: each in the scope of the other. Volatile ones give no order among the lanes of a warp. */
  private together(w: WarpClock, before: Site, event: number): boolean {
    const { core: { grid, events }, site } = this
    const warp = events.warps[event]
    if (warp === w.id) return !(this.space === 'shared' && site.volatile && before.volatile)
    if (Math.floor(warp / grid.warpsPerBlock) === w.block) return true
    const scope = Math.min(site.scope, before.scope)
    return scope === 2 || (scope === 1 && this.core.sameCluster(w, warp))
  }

  /** One instruction that stores the same value twice: the value is there whoever comes last. */
  private sameValue(w: WarpClock, lane: number, event: number, other: number, at: number): boolean {
    const { stored, linear, bytes, core } = this
    if (stored === null) return false
    const { u8 } = core.machine.memory
    const here = event === this.event && other < lane && (this.mask >>> other) & 1 && linear[other] <= at && at < linear[other] + bytes
    const value = (l: number, p: number) => {
      const offset = p - linear[l]
      return u8[w.warp.base + stored.slots[Math.floor(offset / stored.bytes)] + l * stored.stride + offset % stored.bytes]
    }
    for (let p = at; p < Math.min(at + 4, linear[lane] + bytes); p++) if (value(lane, p) !== (here ? value(other, p) : u8[p])) return false
    return true
  }

  private notWritten(w: WarpClock, lane: number, page: Page, at: number): void {
    const { core, bytes } = this
    const states = page.states!
    for (let i = at & insidePage, end = i + bytes; i < end; i++) {
      if (states[i] === written) continue
      if (states[i] === barrierObject) this.onBarrier(w, lane, at)
      else core.reports.add('uninitialised-shared-read', w.warp, lane, core.address('shared', at, w.warp.cta), `reads ${bytes} bytes of shared memory of which nothing wrote ${core.address('shared', at - (at & insidePage) + i, w.warp.cta)}`, null, '')
      return
    }
  }
  private writeStates(w: WarpClock, lane: number, page: Page, at: number): void {
    const states = page.states!
    for (let i = at & insidePage, end = i + this.bytes; i < end; i++) {
      if (states[i] === barrierObject) { this.onBarrier(w, lane, at); return }
      states[i] = written
    }
  }
  private onBarrier(w: WarpClock, lane: number, at: number): void {
    const { core, site } = this
    core.reports.add('mbarrier-misuse', w.warp, lane, core.address('shared', at, w.warp.cta), `${sayKind(site)} of a live mbarrier object by an instruction that is none of mbarrier's`, null, '')
  }
}

/** Linear place of entry i of the page. */
const place = (at: number, i: number, shift: number): number => (at & ~insidePage) + (i << shift) >>> 0

function isWritten(page: Page, inside: number, bytes: number): boolean {
  if (bytes < 4) { const states = page.states!; return states[inside] === written && states[inside + bytes - 1] === written }
  const words = page.stateWords!
  let i = inside >> 2
  for (const end = i + (bytes >> 2); i < end; i++) if (words[i] !== allWritten) return false
  return true
}
