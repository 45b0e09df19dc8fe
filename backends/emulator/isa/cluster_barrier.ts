// The barrier of a cluster (PTX ISA 9.7.13.4): barrier.cluster.arrive and .wait, thread by thread.
import type { Chapter } from '../decode.ts'
import { NEXT, WAIT, type Cluster, type Warp } from '../machine.ts'
import { split } from '../scheduler.ts'
import { lowestLane, showLanes } from '../diagnostics.ts'
import { since } from './free_modifiers.ts'

/** Complete when every thread of the cluster that has not exited arrived; also the sanitizer's key. */
class Phase {
  done = false
  private readonly arrived: Int32Array
  private readonly perCta: number
  constructor(private readonly cluster: Cluster) {
    this.perCta = cluster.ctas[0].warps.length
    this.arrived = new Int32Array(this.perCta * cluster.ctas.length)
  }
  lanesOf(w: Warp): number { return this.arrived[w.cta.rankInCluster * this.perCta + w.index] }
  arrive(w: Warp, mask: number): void { this.arrived[w.cta.rankInCluster * this.perCta + w.index] |= mask }
  settle(): boolean {
    if (this.done) return true
    for (const cta of this.cluster.ctas) for (const w of cta.warps) if ((w.alive & ~this.lanesOf(w)) !== 0) return false
    this.done = true
    if (this.cluster.state.get(key) === this) this.cluster.state.delete(key)
    return true
  }
}

const key = 'cluster barrier'
function current(cluster: Cluster): Phase {
  let phase = cluster.state.get(key) as Phase | undefined
  if (!phase || phase.settle()) cluster.state.set(key, (phase = new Phase(cluster)))
  return phase
}
/** The phase that each lane of the warp arrived in last. */
function arrivals(w: Warp): (Phase | undefined)[] {
  let own = w.state.get(key) as (Phase | undefined)[] | undefined
  if (!own) w.state.set(key, (own = []))
  return own
}

export const clusterBarrier: Chapter = {
  'barrier.cluster'(_, ctx) {
    const m = ctx.modifiers
    since(ctx, 'barrier.cluster', 7.8, 90)
    m.flag('cluster')
    const form = m.need(['arrive', 'wait'] as const, 'form')
    const named = form === 'arrive' ? m.oneOf(['release', 'relaxed'] as const) : m.oneOf(['acquire'] as const)
    if (named !== undefined) since(ctx, `.${named}`, 8.0)
    const order = named ?? (form === 'arrive' ? 'release' : 'acquire')
    m.flag('aligned')
    ctx.operands(0)
    if (form === 'arrive') {
      return {
        control(w, g, mask) {
          g.pc++
          if (mask === 0) return NEXT
          const own = arrivals(w)
          const phase = current(w.cta.cluster)
          for (let lane = 0, b = mask; b !== 0; lane++, b >>>= 1) {
            if (!(b & 1)) continue
            if (own[lane] !== undefined) w.machine.fault('illegal-instruction', 'a second barrier.cluster.arrive without barrier.cluster.wait', w, lane)
            own[lane] = phase
          }
          phase.arrive(w, mask)
          w.machine.sanitizer?.barrierArrive(w, mask, phase, order === 'release' ? 'go' : 'relaxed')
          phase.settle()
          return NEXT
        },
      }
    }
    return {
      control(w, g, mask) {
        const pc = g.pc++
        if (mask === 0) return NEXT
        if (mask !== g.mask) split(w, g, g.mask & ~mask, g.pc)
        const own = arrivals(w)
        const lane = lowestLane(mask)
        const phase = own[lane] ?? w.machine.fault('illegal-instruction', 'barrier.cluster.wait without an arrival before it', w, lane)
        // Lanes of one group may have arrived in different phases only if they divided in between.
        let same = 0
        for (let l = 0, b = mask; b !== 0; l++, b >>>= 1) if (b & 1 && own[l] === phase) same |= 1 << l
        if (same !== mask) split(w, g, mask & ~same, pc)
        for (let l = 0, b = same; b !== 0; l++, b >>>= 1) if (b & 1) own[l] = undefined
        g.wait = {
          alsoReport: 'barrier-divergence',
          get what() {
            const missing = w.cta.cluster.ctas.flatMap((c) => c.warps.filter((x) => (x.alive & ~phase.lanesOf(x)) !== 0).map((x) => `block (${c.id.join(', ')}) warp ${x.index} lanes ${showLanes(x.alive & ~phase.lanesOf(x))}`))
            return `cluster barrier; not arrived: ${missing.slice(0, 4).join(', ')}${missing.length > 4 ? `, and ${missing.length - 4} more warps` : ''}`
          },
          ready() {
            if (!phase.settle()) return false
            w.machine.sanitizer?.barrierLeave(w, same, phase)
            return true
          },
        }
        return WAIT
      },
    }
  },
}
