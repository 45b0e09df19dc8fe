// mbarrier objects as memory: made by mbarrier.init, used by others only after it, touched by nothing else until mbarrier.inval.
import { lowestLane } from '../diagnostics.ts'
import type { Warp } from '../machine.ts'
import type { Core } from './core.ts'
import type { Entries } from './entries.ts'
import type { Races } from './races.ts'
import { barrierObject, insidePage, written } from './shadow.ts'
import type { WarpClock } from './warp_clock.ts'

const objectBytes = 8
const linear = new Uint32Array(32)

export class MbarrierObjects {
  constructor(private readonly core: Core, private readonly races: Races, private readonly entries: Entries) {}

  /** The initialisation is a write: plain accesses before it must be over, uses come after it. */
  live(warp: Warp, w: WarpClock, lane: number, at: number): void {
    const states = this.statesAt(at)
    states.fill(written)
    linear[lane] = at
    this.races.check(warp, w, 1 << lane, 'shared', 'write', linear, objectBytes, 'weak', 'cta', null)
    states.fill(barrierObject)
  }
  gone(at: number): void { this.statesAt(at).fill(written) }

  /** Lanes use the object at `at`. */
  used(warp: Warp, w: WarpClock, mask: number, at: number): void {
    const { core } = this
    const page = core.shadow.sharedPage(at, objectBytes)
    if (page.states![at & insidePage] !== barrierObject) return
    const entry = page.writes[(at & insidePage) >> page.shift]
    if (entry === 0 || (entry > 0 && core.orderedForAll(w, entry >> 5))) return
    this.entries.each(entry, (event, other) => {
      for (let m = mask; m !== 0; m &= m - 1) {
        const lane = lowestLane(m)
        if (core.ordered(w, lane, event, other)) continue
        core.tell('mbarrier-misuse', warp, lane, 'shared', at, 'uses an mbarrier without being ordered after its initialisation', event, other)
        return
      }
    })
  }

  private statesAt(at: number): Uint8Array {
    const page = this.core.shadow.sharedPage(at, objectBytes)
    return page.states!.subarray(at & insidePage, (at & insidePage) + objectBytes)
  }
}
