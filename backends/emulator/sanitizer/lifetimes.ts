// Shared memory of a block ends with the block: what other blocks of its cluster do there must be over before, known to the block.
import { sharedOwner } from '../isa/addresses.ts'
import type { Cta, Warp } from '../machine.ts'
import type { Core } from './core.ts'
import { sayKind } from './core.ts'

interface Remote { readonly warp: Warp; readonly event: number; readonly lane: number; readonly at: number }

export class Lifetimes {
  /** By block, what others did in its shared memory: the last place of each event's lane. */
  private readonly remote = new Map<Cta, Map<number, Remote>>()
  constructor(private readonly core: Core) {}
  clear(): void { this.remote.clear() }
  forget(): void { this.clear() }

  accessed(warp: Warp, mask: number, linear: Uint32Array, event: number): void {
    for (let lane = 0, m = mask; m !== 0; lane++, m >>>= 1) if (m & 1) this.touched(warp, lane, linear[lane], event)
  }
  touched(warp: Warp, lane: number, at: number, event: number): void {
    const { cta } = warp
    if (at >= cta.sharedBase && at < cta.sharedBase + cta.sharedBytes) return
    const owner = sharedOwner(cta, at)
    if (owner === undefined) return
    let all = this.remote.get(owner)
    if (!all) this.remote.set(owner, (all = new Map()))
    all.set(event * 32 + lane, { warp, event, lane, at })
  }

  /** All blocks of the cluster have ended, but their clocks are still as they were at their ends. */
  ctaEnded(cta: Cta): void {
    const { core } = this
    for (const { warp, event, lane, at } of this.remote.get(cta)?.values() ?? []) {
      if (cta.warps.some((x) => { const w = core.of(x); for (let l = 0; l < 32; l++) if (core.ordered(w, l, event, lane)) return true; return false })) continue
      const site = core.events.siteOf(event)
      const { current } = warp
      warp.current = site.instruction
      core.reports.add('shared-race', warp, lane, `0x${(at - cta.sharedBase).toString(16)}`, `${sayKind(site)} of shared memory of block (${cta.id.join(', ')}), which may have ended before: nothing makes that block wait for it`, `end of block (${cta.id.join(', ')})`, 'end')
      warp.current = current
    }
    this.remote.delete(cta)
  }
}
