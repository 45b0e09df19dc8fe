// mbarrier objects in shared memory (PTX ISA 9.7.13.15; ptx-isa-notes 2.6). The object's 8 bytes hold its phase for whoever looks;
// what counts is the state kept here, by block and address.
import type { Chapter, DecodeContext, Decoded, Decoder } from '../decode.ts'
import { NEXT, RETRY, YIELD, type Cta, type Warp } from '../machine.ts'
import type { AddressParts } from '../decode_context.ts'
import { writePredicate } from '../slots.ts'
import { linear, resolve, sharedOwner } from './addresses.ts'
import { forLanes } from './lanes.ts'

export interface Barrier { phase: number; expected: number; pending: number; tx: number; readonly at: number }

const maxCount = 2 ** 20 - 1

const ownerOf = (cta: Cta, at: number): Cta => sharedOwner(cta, at) ?? cta

export function barrierAt(warp: Warp, lane: number, at: number): Barrier {
  const own = ownerOf(warp.cta, at).state.get(`mbarrier ${at}`) as Barrier | undefined
  return own ?? warp.machine.fault('illegal-instruction', `shared offset 0x${(at - warp.cta.sharedBase).toString(16)} holds no initialised mbarrier`, warp, lane)
}

function settle(warp: Warp, b: Barrier): void {
  if (b.pending !== 0 || b.tx !== 0) return
  b.phase++
  b.pending = b.expected
  warp.machine.memory.u64[b.at >> 3] = BigInt(b.phase)
}

export function completeTx(warp: Warp, b: Barrier, bytes: number): void { b.tx -= bytes; settle(warp, b) }

function expectTx(warp: Warp, lane: number, b: Barrier, bytes: number): void {
  b.tx += bytes
  if (Math.abs(b.tx) > maxCount) warp.machine.fault('illegal-instruction', `mbarrier transaction count ${b.tx}, must stay within ${maxCount}`, warp, lane)
}

function arrive(warp: Warp, lane: number, b: Barrier, count: number): void {
  if (count > b.pending) warp.machine.fault('illegal-instruction', `${count} arrivals on an mbarrier that expects ${b.pending} more in this phase`, warp, lane)
  b.pending -= count
  settle(warp, b)
}

/** [.sem] [.scope] [.shared[::cta|::cluster]] .b64; tells whether it says .shared. */
function tail(ctx: DecodeContext): boolean {
  const m = ctx.modifiers
  m.oneOf(['relaxed', 'acquire', 'release'] as const)
  m.oneOf(['cta', 'cluster'] as const)
  const shared = m.oneOf(['shared', 'shared::cta', 'shared::cluster'] as const) !== undefined
  m.need(['b64'] as const, 'type')
  return shared
}

/** Linear places of the objects; `shared`: the instruction says .shared. A 32-bit register is a shared address anyhow, a wide one may be generic. */
function places(w: Warp, mask: number, at: AddressParts, shared: boolean): number {
  return resolve(w, mask, at, { space: shared || at.variable || !at.wide ? 'shared' : 'generic', kind: 'mbarrier', bytes: 8, order: 'relaxed', scope: 'cta' })
}

const arriving = (drop: boolean): Decoder => (s, ctx) => {
  const m = ctx.modifiers
  m.flag(drop ? 'arrive_drop' : 'arrive')
  const expects = m.flag('expect_tx')
  if (m.peek() === 'noComplete') ctx.error('mbarrier.arrive.noComplete is not emulated yet')
  const shared = tail(ctx)
  ctx.operands(1, 3)
  const returns = s.operands[0].kind !== 'address'
  const rest = s.operands.slice(returns ? 1 : 0)
  const token = returns ? ctx.dst(s.operands[0], 'b64') : null
  const at = ctx.address(rest[0])
  const amount = rest[1] ? ctx.src(rest[1], 'u32') : null
  return {
    touchesMemory: true,
    exec(w, mask) {
      const go = places(w, mask, at, shared)
      const own = linear.slice()
      forLanes(go, (lane) => {
        const b = barrierAt(w, lane, own[lane])
        const value = amount === null ? 1 : w.machine.memory.u32[((w.base + amount) >> 2) + lane]
        if (token !== null) w.machine.memory.u64[((w.base + token) >> 3) + lane] = BigInt(b.phase)
        if (drop) b.expected--
        w.machine.sanitizer?.mbarrierArrive(w, 1 << lane, b, 'release')
        if (expects) expectTx(w, lane, b, value)
        arrive(w, lane, b, expects ? 1 : value)
      })
    },
  }
}

/** test_wait and try_wait: both may wait a while before they say no; a phase that never ends blocks for good after some rounds. */
const waiting = (name: string): Decoder => (s, ctx): Decoded => {
  const m = ctx.modifiers
  m.flag(name)
  const parity = m.flag('parity')
  const shared = tail(ctx)
  ctx.operands(3, name === 'try_wait' ? 4 : 3)
  const p = ctx.dst(s.operands[0], 'pred')
  const at = ctx.address(s.operands[1])
  const value = ctx.src(s.operands[2], parity ? 'u32' : 'b64')
  if (s.operands[3]) ctx.src(s.operands[3], 'u32')
  return {
    control(w, g, mask) {
      if (mask === 0) { g.pc++; return NEXT }
      const go = places(w, mask, at, shared)
      const own = linear.slice()
      const { memory } = w.machine
      let done = 0
      let blocking: Barrier | undefined
      forLanes(go, (lane) => {
        const b = barrierAt(w, lane, own[lane])
        const passed = parity ? (b.phase & 1) !== (memory.u32[((w.base + value) >> 2) + lane] & 1) : BigInt(b.phase) > memory.u64[((w.base + value) >> 3) + lane]
        if (passed) { done |= 1 << lane; w.machine.sanitizer?.mbarrierObserved(w, 1 << lane, b, b.phase - 1, 'acquire') } else blocking ??= b
      })
      const rounds = (w.state.get('mbarrier rounds') as number | undefined) ?? 0
      const write = () => { writePredicate(memory, w.base + p, mask, done); g.pc++ }
      if (blocking === undefined) { w.state.set('mbarrier rounds', 0); write(); return NEXT }
      if (w.state.get('mbarrier gave up') === g) { w.state.delete('mbarrier gave up'); w.state.set('mbarrier rounds', rounds + 1); write(); return YIELD }
      const b = blocking
      const phase = b.phase
      let polls = 0
      g.wait = {
        what: `mbarrier at shared 0x${(b.at - ownerOf(w.cta, b.at).sharedBase).toString(16)}, phase ${phase}: ${b.pending} arrivals and ${b.tx} bytes missing`,
        ready() {
          if (b.phase !== phase) return true
          // Programs may poll and do other work between: say no now and then, but not forever.
          if (++polls < 64 || rounds >= 16) return false
          w.state.set('mbarrier gave up', g)
          return true
        },
      }
      return RETRY
    },
  }
}

export const mbarrier: Chapter = {
  'mbarrier.init'(s, ctx) {
    ctx.modifiers.flag('init')
    const shared = tail(ctx)
    ctx.operands(2)
    const [at, count] = [ctx.address(s.operands[0]), ctx.src(s.operands[1], 'u32')]
    return {
      touchesMemory: true,
      exec(w, mask) {
        const go = places(w, mask, at, shared)
        forLanes(go, (lane) => {
          const expected = w.machine.memory.u32[((w.base + count) >> 2) + lane]
          if (expected < 1 || expected > maxCount) w.machine.fault('illegal-instruction', `mbarrier count ${expected}, must be 1 to ${maxCount}`, w, lane)
          ownerOf(w.cta, linear[lane]).state.set(`mbarrier ${linear[lane]}`, { phase: 0, expected, pending: expected, tx: 0, at: linear[lane] } satisfies Barrier)
          w.machine.memory.u64[linear[lane] >> 3] = 0n
        })
      },
    }
  },
  'mbarrier.inval'(s, ctx) {
    ctx.modifiers.flag('inval')
    const shared = tail(ctx)
    ctx.operands(1)
    const at = ctx.address(s.operands[0])
    return { touchesMemory: true, exec: (w, mask) => { const go = places(w, mask, at, shared); forLanes(go, (lane) => { ownerOf(w.cta, linear[lane]).state.delete(`mbarrier ${linear[lane]}`) }) } }
  },
  'mbarrier.arrive': arriving(false),
  'mbarrier.arrive_drop': arriving(true),
  'mbarrier.expect_tx': transaction('expect_tx', 1),
  'mbarrier.complete_tx': transaction('complete_tx', -1),
  'mbarrier.test_wait': waiting('test_wait'),
  'mbarrier.try_wait': waiting('try_wait'),
}

function transaction(name: string, sign: 1 | -1): Decoder {
  return (s, ctx) => {
    ctx.modifiers.flag(name)
    const shared = tail(ctx)
    ctx.operands(2)
    const [at, bytes] = [ctx.address(s.operands[0]), ctx.src(s.operands[1], 'u32')]
    return {
      touchesMemory: true,
      exec(w, mask) {
        const go = places(w, mask, at, shared)
        forLanes(go, (lane) => {
          const b = barrierAt(w, lane, linear[lane])
          expectTx(w, lane, b, sign * w.machine.memory.u32[((w.base + bytes) >> 2) + lane])
          settle(w, b)
        })
      },
    }
  }
}
