// Copies beside the threads: cp.async of a few bytes a lane, cp.async.bulk of any multiple of 16 (PTX ISA 9.7.9.25).
import type { Chapter, DecodeContext, Decoder } from '../decode.ts'
import { GLOBAL_HIGH, NEXT, type AsyncOp, type Warp } from '../machine.ts'
import type { AddressParts } from '../decode_context.ts'
import { readPredicate } from '../slots.ts'
import { linear, resolve, sharedOwner, showAddress, type AddressSpace } from './addresses.ts'
import { forLanes } from './lanes.ts'
import { barrierAt, completeTx } from './mbarrier.ts'

/** Copies of a thread that are not in a group yet, and its groups, oldest first; per lane. */
interface Groups { open: AsyncOp[][]; closed: AsyncOp[][][] }

function groupsOf(w: Warp, key: string): Groups {
  let own = w.state.get(key) as Groups | undefined
  if (!own) w.state.set(key, (own = { open: Array.from({ length: 32 }, () => []), closed: Array.from({ length: 32 }, () => []) }))
  return own
}

/** commit_group and wait_group of one kind. */
const commit = (key: string, words: readonly string[]): Decoder => (_, ctx) => {
  for (const x of words) ctx.modifiers.flag(x)
  ctx.operands(0)
  return { exec: (w, mask) => { const g = groupsOf(w, key); forLanes(mask, (lane) => { g.closed[lane].push(g.open[lane]); g.open[lane] = [] }) } }
}
const wait = (key: string, words: readonly string[], all: boolean): Decoder => (s, ctx) => {
  for (const x of words) ctx.modifiers.flag(x)
  ctx.modifiers.flag('read')
  ctx.operands(all ? 0 : 1)
  const left = all ? 0 : ctx.constant(s.operands[0], 'the number of groups')
  if (left < 0) ctx.error(`${left} groups may stay open; the number must be 0 or more`)
  return {
    control(w, g, mask) {
      const groups = groupsOf(w, key)
      forLanes(mask, (lane) => {
        if (all && groups.open[lane].length) { groups.closed[lane].push(groups.open[lane]); groups.open[lane] = [] }
        while (groups.closed[lane].length > left) for (const op of groups.closed[lane].shift()!) w.machine.agents.force(op)
      })
      g.pc++
      return NEXT
    },
  }
}

function issue(w: Warp, lane: number, what: string, perform: () => void): AsyncOp {
  const op: AsyncOp = { what, warp: w, lane, instruction: w.current, order: null, done: false, perform }
  w.machine.agents.issue(op)
  return op
}

const sharedNames = ['shared', 'shared::cta', 'shared::cluster'] as const

/** Linear offsets of an address, copied, since `linear` is used again at once. */
function offsets(w: Warp, mask: number, at: AddressParts, space: AddressSpace, kind: 'read' | 'write', bytes: number): { go: number; at: Uint32Array } {
  const go = resolve(w, mask, at, { space, kind, bytes, order: 'weak', scope: 'cta' })
  return { go, at: linear.slice() }
}

/** A range of any length must lie in one allocation or in the block's shared memory. */
function checkRange(w: Warp, lane: number, at: number, bytes: number, space: 'shared' | 'global'): void {
  const { machine, cta } = w
  if (space === 'shared') {
    const owner = sharedOwner(cta, at)
    if (owner && at + bytes <= owner.sharedBase + owner.sharedBytes) return
    const address = `0x${(at - cta.sharedBase).toString(16)}`
    machine.fault('illegal-address', `address ${address} (${bytes} bytes) is outside shared memory of ${cta.sharedBytes} bytes`, w, lane, { space, address })
  }
  const a = machine.memory.allocationAt(at)
  if (a && at + bytes <= a.start + a.bytes) return
  const address = showAddress(GLOBAL_HIGH, at)
  machine.fault('illegal-address', `address ${address} (${bytes} bytes) is outside every live allocation`, w, lane, { space, address })
}

function policy(ctx: DecodeContext): boolean {
  let hint = false
  for (;;) {
    const m = ctx.modifiers.peek()
    if (m === undefined || !/^L2::/.test(m)) return hint
    hint ||= m === 'L2::cache_hint'
    ctx.modifiers.flag(m)
  }
}

const small: Decoder = (s, ctx) => {
  const m = ctx.modifiers
  m.flag('async')
  m.need(['ca', 'cg'] as const, 'cache level')
  m.oneOf(['shared', 'shared::cta'] as const)
  m.need(['global'] as const, 'source space')
  const hint = policy(ctx)
  ctx.operands(3, hint ? 5 : 4)
  const [to, from] = [ctx.address(s.operands[0]), ctx.address(s.operands[1])]
  const bytes = ctx.constant(s.operands[2], 'the size')
  if (![4, 8, 16].includes(bytes)) ctx.error(`cp.async copies 4, 8 or 16 bytes, not ${bytes}`)
  const extra = s.operands[3] && !(hint && s.operands.length === 4) ? s.operands[3] : undefined
  const isPredicate = extra?.kind === 'reg' && extra.variable.type === 'pred'
  const ignore = extra && isPredicate ? ctx.predicate(extra) : null
  const size = extra && !isPredicate ? ctx.src(extra, 'u32') : null
  return {
    touchesMemory: true,
    exec(w, mask) {
      const { memory } = w.machine
      const target = offsets(w, mask, to, 'shared', 'write', bytes)
      const ignored = ignore ? readPredicate(memory, w.base, ignore) : 0
      const taken = (lane: number) => ((ignored >>> lane) & 1 ? 0 : size === null ? bytes : Math.min(bytes, memory.u32[((w.base + size) >> 2) + lane]))
      let reading = 0
      forLanes(mask, (lane) => { if (taken(lane) > 0) reading |= 1 << lane })
      const source = reading ? offsets(w, reading, from, 'global', 'read', bytes) : { go: 0, at: linear }
      const groups = groupsOf(w, 'cp.async')
      forLanes(target.go, (lane) => {
        const [d, a, n] = [target.at[lane], source.at[lane], (source.go >>> lane) & 1 ? taken(lane) : 0]
        groups.open[lane].push(issue(w, lane, `cp.async of ${bytes} bytes`, () => {
          memory.u8.copyWithin(d, a, a + n)
          memory.u8.fill(0, d + n, d + bytes)
        }))
      })
    },
  }
}

const bulk: Decoder = (s, ctx) => {
  const m = ctx.modifiers
  for (const x of ['async', 'bulk']) m.flag(x)
  const destination = m.need([...sharedNames, 'global'] as const, 'destination space')
  const source = m.need([...sharedNames, 'global'] as const, 'source space')
  const completion = m.need(['mbarrier::complete_tx::bytes', 'bulk_group'] as const, 'completion')
  if (m.peek() === 'multicast::cluster') ctx.error('cp.async.bulk with .multicast::cluster is not emulated yet')
  if (m.peek() === 'cp_mask') ctx.error('cp.async.bulk with .cp_mask needs sm_100')
  const hint = policy(ctx)
  const signals = completion === 'mbarrier::complete_tx::bytes'
  ctx.operands((signals ? 4 : 3) + (hint ? 1 : 0))
  const [to, from, size] = [ctx.address(s.operands[0]), ctx.address(s.operands[1]), ctx.src(s.operands[2], 'u32')]
  const barrier = signals ? ctx.address(s.operands[3]) : null
  const spaceOf = (name: string) => (name === 'global' ? 'global' as const : 'shared' as const)
  return {
    touchesMemory: true,
    exec(w, mask) {
      const { memory } = w.machine
      const [d, a] = [offsets(w, mask, to, spaceOf(destination), 'write', 16).at, offsets(w, mask, from, spaceOf(source), 'read', 16).at]
      const b = barrier ? offsets(w, mask, barrier, 'shared', 'write', 8).at : null
      forLanes(mask, (lane) => {
        const bytes = memory.u32[((w.base + size) >> 2) + lane]
        if (bytes % 16 !== 0) w.machine.fault('misaligned-address', `cp.async.bulk of ${bytes} bytes, must be a multiple of 16`, w, lane)
        checkRange(w, lane, d[lane], bytes, spaceOf(destination))
        checkRange(w, lane, a[lane], bytes, spaceOf(source))
        const [dAt, aAt] = [d[lane], a[lane]]
        const signal = b ? barrierAt(w, lane, b[lane]) : null
        const op = issue(w, lane, `cp.async.bulk of ${bytes} bytes`, () => {
          memory.u8.copyWithin(dAt, aAt, aAt + bytes)
          if (signal) completeTx(w, signal, bytes)
        })
        if (!signal) groupsOf(w, 'cp.async.bulk').open[lane].push(op)
      })
    },
  }
}

export const asyncCopy: Chapter = {
  'cp.async.ca': small,
  'cp.async.cg': small,
  'cp.async.commit_group': commit('cp.async', ['async', 'commit_group']),
  'cp.async.wait_group': wait('cp.async', ['async', 'wait_group'], false),
  'cp.async.wait_all': wait('cp.async', ['async', 'wait_all'], true),
  'cp.async.bulk': bulk,
  'cp.async.bulk.commit_group': commit('cp.async.bulk', ['async', 'bulk', 'commit_group']),
  'cp.async.bulk.wait_group': wait('cp.async.bulk', ['async', 'bulk', 'wait_group'], false),
  'cp.async.bulk.tensor': (_, ctx) => ctx.error('cp.async.bulk.tensor is not emulated yet'),
  'cp.async.bulk.prefetch': (_, ctx) => ctx.error('cp.async.bulk.prefetch is not emulated yet'),
}
