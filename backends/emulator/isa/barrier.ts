// Barriers of a block and fences (PTX ISA 9.7.13): bar.sync, barrier.sync, membar, fence.
import type { Chapter, Decoder } from '../decode.ts'
import { NEXT, WAIT, type Cta, type Order, type Scope, type Warp } from '../machine.ts'

/** A named barrier: threads that arrived in this phase; waiters hold the phase they wait for. */
interface Named { arrived: number; phase: number; key: object }

function named(cta: Cta, id: number): Named {
  const key = `barrier ${id}`
  let own = cta.state.get(key) as Named | undefined
  if (!own) cta.state.set(key, (own = { arrived: 0, phase: 0, key: {} }))
  return own
}

/** Whole-block barriers expect the threads that have not exited; the count is looked at again when threads exit. */
const expected = (cta: Cta, count: number) => (count > 0 ? count : cta.aliveThreads)

function complete(b: Named, cta: Cta, count: number): boolean {
  if (b.arrived < expected(cta, count)) return false
  b.arrived = 0
  b.phase++
  b.key = {}
  return true
}

function popcount(mask: number): number { let n = 0; for (let m = mask; m !== 0; m &= m - 1) n++; return n }

const sync = (waits: boolean): Decoder => (s, ctx) => {
  const m = ctx.modifiers
  m.flag('cta')
  if (!(waits ? m.flag('sync') : m.flag('arrive'))) ctx.error(`expected .${waits ? 'sync' : 'arrive'}`)
  const aligned = m.flag('aligned') || s.opcode === 'bar'
  ctx.operands(waits ? 1 : 2, 2)
  const id = ctx.src(s.operands[0], 'u32')
  const count = s.operands[1] ? ctx.src(s.operands[1], 'u32') : null
  return {
    control(w: Warp, g, mask) {
      if (mask === 0) { g.pc++; return NEXT }
      const { cta } = w
      const { memory, sanitizer } = w.machine
      const lane = 31 - Math.clz32(mask & -mask)
      const number = memory.u32[((w.base + id) >> 2) + lane]
      const wanted = count === null ? 0 : memory.u32[((w.base + count) >> 2) + lane]
      if (number > 15) w.machine.fault('illegal-instruction', `barrier ${number}; there are 16, from 0 to 15`, w, lane)
      if (wanted % 32 !== 0) w.machine.fault('illegal-instruction', `a barrier of ${wanted} threads; the count must be a multiple of 32`, w, lane)
      if (aligned && sanitizer && (w.alive & ~mask) !== 0) {
        sanitizer.report('barrier-divergence', w, lane, null, `barrier ${number} is reached by lanes 0x${(mask >>> 0).toString(16)} of 0x${(w.alive >>> 0).toString(16)}`)
      }
      const b = named(cta, number)
      const phase = b.phase
      const key = b.key
      sanitizer?.barrierArrive(w, mask, key)
      // The warp counts as a whole where a count is given: barriers count warps.
      b.arrived += wanted > 0 ? 32 : popcount(mask)
      g.pc++
      const done = complete(b, cta, wanted)
      if (!waits) return NEXT
      if (done) { sanitizer?.barrierLeave(w, mask, key); return NEXT }
      const left = mask
      g.wait = {
        what: `barrier ${number}, ${expected(cta, wanted)} threads`,
        ready() {
          if (b.phase === phase) complete(b, cta, wanted)
          if (b.phase === phase) return false
          sanitizer?.barrierLeave(w, left, key)
          return true
        },
      }
      return WAIT
    },
  }
}

const scopes = ['cta', 'cluster', 'gpu', 'sys'] as const
const fence = (order: Order, scope: Scope) => ({ exec: (w: Warp, mask: number) => { w.machine.sanitizer?.fence(w, mask, order, scope) } })

export const barrier: Chapter = {
  'bar.sync': sync(true),
  'bar.arrive': sync(false),
  'bar.cta.sync': sync(true),
  'bar.cta.arrive': sync(false),
  'barrier.sync': sync(true),
  'barrier.arrive': sync(false),
  'barrier.cta.sync': sync(true),
  'barrier.cta.arrive': sync(false),
  membar(_, ctx) {
    const scope = ctx.modifiers.need(['cta', 'gl', 'sys'] as const, 'level')
    ctx.operands(0)
    return fence('sc', scope === 'gl' ? 'gpu' : scope)
  },
  fence(_, ctx) {
    const order = ctx.modifiers.oneOf(['sc', 'acq_rel', 'acquire', 'release'] as const) ?? 'acq_rel'
    const scope = ctx.modifiers.need(scopes, 'scope')
    ctx.operands(0)
    return fence(order, scope)
  },
  'fence.mbarrier_init'(_, ctx) {
    for (const m of ['mbarrier_init', 'release', 'cluster']) if (!ctx.modifiers.flag(m)) ctx.error('the only form is fence.mbarrier_init.release.cluster')
    ctx.operands(0)
    return fence('release', 'cluster')
  },
  'fence.proxy.async'(_, ctx) {
    for (const m of ['proxy', 'async']) ctx.modifiers.flag(m)
    ctx.modifiers.oneOf(['global', 'shared::cta', 'shared::cluster'] as const)
    ctx.operands(0)
    return { exec: (w, mask) => { w.machine.sanitizer?.proxyFence(w, mask) } }
  },
}
