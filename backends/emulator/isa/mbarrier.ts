// mbarrier instructions in all their forms (PTX ISA 9.7.13.15). The objects are in mbarrier_state.ts.
import type { Chapter, DecodeContext, Decoded, Decoder } from '../decode.ts'
import { NEXT, RETRY, YIELD, type Group, type Warp } from '../machine.ts'
import type { AddressParts } from '../decode_context.ts'
import { lowestLane } from '../diagnostics.ts'
import { writePredicate } from '../slots.ts'
import { found, isOwnBlock, linear, resolve } from './addresses.ts'
import { decides } from './answer_used.ts'
import { since, takeAll } from './free_modifiers.ts'
import { forLanes } from './lanes.ts'
import { arrive, barrierAt, completeTx, drop, endBarrier, expectTx, initBarrier, misuse, sharedAddress, type Barrier } from './mbarrier_state.ts'

type Semantics = 'release' | 'relaxed' | 'acquire'
interface Form { readonly semantics: Semantics | undefined; readonly space: string | undefined }

/** [.sem .scope] [.shared[::cta|::cluster]] .b64, in any order. */
function formOf(ctx: DecodeContext, semantics: readonly Semantics[], remote: boolean, scopes: readonly string[] = ['cta', 'cluster']): Form {
  since(ctx, 'mbarrier', 7.0, 80)
  const t = takeAll(ctx, { semantics, scope: scopes, space: ['shared', 'shared::cta', ...(remote ? ['shared::cluster'] : [])], type: ['b64'] })
  if (t.type === undefined) ctx.modifiers.need(['b64'] as const, 'type')
  if ((t.semantics === undefined) !== (t.scope === undefined)) ctx.error(t.semantics === undefined ? `.${t.scope} needs ${semantics.map((s) => `.${s}`).join(' or ')}` : `.${t.semantics} needs ${scopes.map((s) => `.${s}`).join(' or ')}`)
  if (t.semantics !== undefined) since(ctx, `.${t.semantics}`, t.semantics === 'relaxed' && semantics.length > 1 ? 8.6 : 8.0, 90)
  if (t.space === 'shared::cta' || t.space === 'shared::cluster') since(ctx, `.${t.space}`, t.space === 'shared::cta' ? 7.8 : 8.0, t.space === 'shared::cta' ? 0 : 90)
  return { semantics: t.semantics as Semantics | undefined, space: t.space }
}

/** Fills `linear` with the objects' places; without a state space the address is generic, but may well be a variable of shared memory. */
export function barrierPlaces(w: Warp, mask: number, at: AddressParts, space: string | undefined): number {
  const named = space !== undefined || at.variable !== null || !at.wide
  const go = resolve(w, mask, at, { space: named ? 'shared' : 'generic', kind: 'mbarrier', bytes: 8, order: 'relaxed', scope: 'cta', ownBlock: isOwnBlock(space) })
  const stray = go & ~found.shared
  if (stray === 0) return go
  const lane = lowestLane(stray)
  const message = 'an mbarrier outside shared memory'
  if (w.machine.sanitizer === null) w.machine.fault('illegal-address', message, w, lane)
  w.machine.sanitizer!.report('mbarrier-misuse', w, lane, null, message)
  return go & ~stray
}

const arriving = (opcode: 'arrive' | 'arrive_drop'): Decoder => (s, ctx) => {
  const m = ctx.modifiers
  m.flag(opcode)
  const expects = m.flag('expect_tx')
  const noComplete = !expects && m.flag('noComplete')
  const form = noComplete ? formOf(ctx, ['release'], false, ['cta']) : formOf(ctx, ['release', 'relaxed'], true)
  if (expects) since(ctx, '.expect_tx', 8.0, 90)
  ctx.operands(expects || noComplete ? 3 : 2, 3)
  const [to, ...rest] = s.operands
  if (form.space === 'shared::cluster' && to.kind !== 'sink') ctx.error('an arrival in .shared::cluster has no state: its destination must be _', to.at)
  if (to.kind === 'sink') since(ctx, 'an arrival without a state', 7.1)
  const token = to.kind === 'sink' ? null : ctx.dst(to, 'b64')
  if (rest[1] && !expects && !noComplete) since(ctx, 'a count', 7.8, 90)
  const at = ctx.address(rest[0])
  const amount = rest[1] ? ctx.src(rest[1], 'u32') : null
  return {
    touchesMemory: true,
    exec(w, mask) {
      const go = barrierPlaces(w, mask, at, form.space)
      const { memory: { u32 }, sanitizer } = w.machine
      forLanes(go, (lane) => {
        const b = barrierAt(w, lane, linear[lane])
        if (b === undefined) return
        sanitizer?.mbarrierArrive(w, 1 << lane, b, form.semantics ?? 'release')
        const value = amount === null ? 1 : u32[((w.base + amount) >> 2) + lane]
        if (token !== null) {
          // The state: pending arrivals and the phase.
          u32[((w.base + token) >> 2) + 2 * lane] = b.pending
          u32[((w.base + token) >> 2) + 2 * lane + 1] = b.phase
        }
        const arrivals = expects ? 1 : value
        if (opcode === 'arrive_drop') drop(w, lane, b, arrivals)
        if (expects) expectTx(w, lane, b, value)
        arrive(w, lane, b, arrivals, noComplete)
      })
    },
  }
}

/** A phase that does not end blocks after so many polls in a row that said no, until nothing else can run. */
const patience = 16
/** Polls that say no while nothing else can run, until it is a deadlock. */
const idlePatience = 1000

interface Polls { inRow: number; idle: number; phase: number; barrier: Barrier | undefined; over: Group | undefined }
function pollsOf(w: Warp): Polls {
  let own = w.state.get('mbarrier polls') as Polls | undefined
  if (!own) w.state.set('mbarrier polls', (own = { inRow: 0, idle: 0, phase: 0, barrier: undefined, over: undefined }))
  return own
}

/** test_wait and try_wait: both may wait a while before they say no. */
const waiting = (opcode: 'test_wait' | 'try_wait'): Decoder => (s, ctx): Decoded => {
  const parity = ctx.modifiers.flag(opcode) && ctx.modifiers.flag('parity')
  const form = formOf(ctx, ['acquire', 'relaxed'], false)
  if (opcode === 'try_wait') since(ctx, 'mbarrier.try_wait', 7.8, 90)
  else if (parity) since(ctx, '.parity', 7.1)
  ctx.operands(3, opcode === 'try_wait' ? 4 : 3)
  const p = ctx.dst(s.operands[0], 'pred')
  const at = ctx.address(s.operands[1])
  const value = ctx.src(s.operands[2], parity ? 'u32' : 'b64')
  if (s.operands[3]) ctx.src(s.operands[3], 'u32')
  /** Found out when first needed: the function is decoded then. */
  let looked: boolean | undefined
  return {
    touchesMemory: true,
    control(w, g, mask) {
      if (mask === 0) { g.pc++; return NEXT }
      const { memory, sanitizer } = w.machine
      const go = barrierPlaces(w, mask, at, form.space)
      // Lanes that the sanitizer held back would wait for ever.
      let done = mask & ~go
      let blocking: Barrier | undefined
      // Mostly all lanes look at one barrier.
      for (let left = go; left !== 0;) {
        const lane = lowestLane(left)
        let same = 0
        for (let l = lane, m = left >>> lane; m !== 0; l++, m >>>= 1) if (m & 1 && linear[l] === linear[lane]) same |= 1 << l
        left &= ~same
        const b = barrierAt(w, lane, linear[lane])
        if (b === undefined) { done |= same; continue }
        if (sanitizer !== null && b.cta !== w.cta) misuse(w, lane, b.at, `${opcode} on the mbarrier of another block; only its own block can wait on it`)
        let passed = 0
        forLanes(same, (l) => {
          if (parity ? ((b.phase ^ memory.u32[((w.base + value) >> 2) + l]) & 1) !== 0 : b.phase !== memory.u32[((w.base + value) >> 2) + 2 * l + 1]) passed |= 1 << l
        })
        if (passed !== same) blocking ??= b
        done |= passed
        if (passed !== 0 && sanitizer !== null && (looked ??= decides(w.frame.fn, p))) sanitizer.mbarrierObserved(w, passed, b, b.phase - 1, form.semantics ?? 'acquire')
      }
      const polls = pollsOf(w)
      const answer = () => { writePredicate(memory, w.base + p, mask, done); g.pc++ }
      if (blocking === undefined) { polls.inRow = 0; answer(); return NEXT }
      if (polls.over === g) { polls.over = undefined; polls.inRow++; answer(); return YIELD }
      g.wait = waitFor(w, g, blocking, polls)
      return RETRY
    },
  }
}

function waitFor(w: Warp, g: Group, b: Barrier, polls: Polls): NonNullable<Group['wait']> {
  const { phase } = b
  const { machine, cta } = w
  const { seed, async } = machine.options
  // Programs may poll and do other work between: say no now and then, but not forever. Where copies land late, the first poll says
  // no at once: a program that goes on all the same is wrong.
  let left = async === 'late' && polls.inRow === 0 ? 0 : seed === 0 ? 64 : 1 + Math.floor(machine.random() * 64)
  const giveUp = () => { polls.over = g; return true }
  return {
    get what() { return `mbarrier at shared ${sharedAddress(cta, b.at)}, phase ${phase}: ${b.pending} arrivals and ${b.tx} bytes missing` },
    ready: () => b.phase !== phase || polls.over === g || (polls.inRow < patience && --left < 0 && giveUp()),
    giveUp() {
      if (polls.barrier !== b || polls.phase !== phase) Object.assign(polls, { barrier: b, phase, idle: 0 })
      return ++polls.idle <= idlePatience && giveUp()
    },
  }
}

/** expect_tx and complete_tx on their own. */
const transaction = (opcode: 'expect_tx' | 'complete_tx'): Decoder => (s, ctx) => {
  ctx.modifiers.flag(opcode)
  const form = formOf(ctx, ['relaxed'], true)
  since(ctx, `mbarrier.${opcode}`, 8.0, 90)
  ctx.operands(2)
  const [at, bytes] = [ctx.address(s.operands[0]), ctx.src(s.operands[1], 'u32')]
  return {
    touchesMemory: true,
    exec(w, mask) {
      const go = barrierPlaces(w, mask, at, form.space)
      forLanes(go, (lane) => {
        const b = barrierAt(w, lane, linear[lane])
        if (b === undefined) return
        const amount = w.machine.memory.u32[((w.base + bytes) >> 2) + lane]
        // Bytes that came before they were expected may end the phase here.
        completeTx(w, lane, b, opcode === 'expect_tx' ? -amount : amount)
      })
    },
  }
}

export const mbarrier: Chapter = {
  'mbarrier.init'(s, ctx) {
    ctx.modifiers.flag('init')
    const { space } = formOf(ctx, [], false)
    ctx.operands(2)
    const [at, count] = [ctx.address(s.operands[0]), ctx.src(s.operands[1], 'u32')]
    return {
      touchesMemory: true,
      exec(w, mask) {
        const go = barrierPlaces(w, mask, at, space)
        forLanes(go, (lane) => {
          const { sharedBase, sharedBytes } = w.cta
          if (linear[lane] < sharedBase || linear[lane] >= sharedBase + sharedBytes) misuse(w, lane, linear[lane], 'mbarrier.init in the shared memory of another block')
          else initBarrier(w, lane, linear[lane], w.machine.memory.u32[((w.base + count) >> 2) + lane])
        })
      },
    }
  },
  'mbarrier.inval'(s, ctx) {
    ctx.modifiers.flag('inval')
    const { space } = formOf(ctx, [], false)
    ctx.operands(1)
    const at = ctx.address(s.operands[0])
    return { touchesMemory: true, exec: (w, mask) => { forLanes(barrierPlaces(w, mask, at, space), (lane) => endBarrier(w, lane, linear[lane])) } }
  },
  'mbarrier.arrive': arriving('arrive'),
  'mbarrier.arrive_drop': arriving('arrive_drop'),
  'mbarrier.expect_tx': transaction('expect_tx'),
  'mbarrier.complete_tx': transaction('complete_tx'),
  'mbarrier.test_wait': waiting('test_wait'),
  'mbarrier.try_wait': waiting('try_wait'),
  'mbarrier.pending_count'(s, ctx) {
    ctx.modifiers.flag('pending_count')
    since(ctx, 'mbarrier.pending_count', 7.0, 80)
    ctx.modifiers.need(['b64'] as const, 'type')
    ctx.operands(2)
    const [d, state] = [ctx.dst(s.operands[0], 'u32'), ctx.src(s.operands[1], 'b64')]
    return {
      exec(w, mask) {
        const { u32 } = w.machine.memory
        forLanes(mask, (lane) => { u32[((w.base + d) >> 2) + lane] = u32[((w.base + state) >> 2) + 2 * lane] })
      },
    }
  },
}
