// cp.async: copies of a few bytes a lane, in groups or tracked by an mbarrier (PTX ISA 9.7.9.25.3, 9.7.13.15.16).
import type { Operand } from '../ast.ts'
import type { Chapter, DecodeContext, Decoder } from '../decode.ts'
import type { AsyncRange, Slot, Warp } from '../machine.ts'
import { lowestLane } from '../diagnostics.ts'
import { readPredicate } from '../slots.ts'
import { linear, rangeInside } from './addresses.ts'
import { commitGroup, CopyGroups, offsets, startCopy, takeWords, waitAll, waitGroup } from './copies.ts'
import { since, takeAll } from './free_modifiers.ts'
import { forLanes } from './lanes.ts'
import { barrierPlaces } from './mbarrier.ts'
import { arrive, barrierAt, expectOneMore, type Barrier } from './mbarrier_state.ts'

const kind = 'cp.async'

/** [, src-size | , ignore-src] [, cache-policy] behind the size. */
function extras(ctx: DecodeContext, operands: readonly Operand[], hint: boolean): { ignore: { slot: Slot; negate: boolean } | null; size: Slot | null } {
  if (hint) ctx.src(operands.at(-1)!, 'b64')
  const extra = operands.length > (hint ? 1 : 0) ? operands[0] : undefined
  if (extra === undefined) return { ignore: null, size: null }
  if (extra.kind !== 'reg' || extra.variable.type !== 'pred') return { ignore: null, size: ctx.src(extra, 'u32') }
  since(ctx, 'ignore-src', 7.5)
  return { ignore: ctx.predicate(extra), size: null }
}

const copy: Decoder = (s, ctx) => {
  since(ctx, 'cp.async', 7.0, 80)
  ctx.modifiers.flag('async')
  const level = ctx.modifiers.need(['ca', 'cg'] as const, 'cache level')
  ctx.modifiers.need(['shared', 'shared::cta'] as const, 'destination space')
  ctx.modifiers.need(['global'] as const, 'source space')
  const t = takeAll(ctx, { policy: ['L2::cache_hint'], prefetch: ['L2::64B', 'L2::128B', 'L2::256B'] })
  if (t.policy ?? t.prefetch) since(ctx, `.${t.policy ?? t.prefetch}`, 7.4)
  const hint = t.policy !== undefined
  ctx.operands(hint ? 4 : 3, hint ? 5 : 4)
  const [to, from] = [ctx.address(s.operands[0]), ctx.address(s.operands[1])]
  const bytes = ctx.constant(s.operands[2], 'the size')
  if (!(level === 'cg' ? [16] : [4, 8, 16]).includes(bytes)) ctx.error(`cp.async.${level} copies ${level === 'cg' ? '16' : '4, 8 or 16'} bytes, not ${bytes}`)
  const { ignore, size } = extras(ctx, s.operands.slice(3), hint)
  return {
    touchesMemory: true,
    exec(w, mask) {
      const { memory } = w.machine
      const target = offsets(w, mask, to, 'shared', bytes, true)
      const ignored = ignore ? readPredicate(memory, w.base, ignore) : 0
      const taken = new Uint8Array(32)
      let reading = 0
      forLanes(target.go & ~ignored, (lane) => {
        taken[lane] = size === null ? bytes : Math.min(bytes, memory.u32[((w.base + size) >> 2) + lane])
        if (taken[lane] > 0) reading |= 1 << lane
      })
      const source = reading ? offsets(w, reading, from, 'global', bytes) : { go: 0, at: linear }
      forLanes(reading, (lane) => { if (!((source.go >>> lane) & 1) || !rangeInside(w, lane, 'global', source.at[lane], taken[lane])) taken[lane] = 0 })
      if (target.go !== 0) CopyGroups.of(w, kind).add(startLanes(w, target.go, bytes, target.at, source.at, taken))
    },
  }
}

/** One copy for the whole warp: it lands at once. */
function startLanes(w: Warp, lanes: number, bytes: number, to: Uint32Array, from: Uint32Array, taken: Uint8Array) {
  const { memory } = w.machine
  return startCopy(w, lowestLane(lanes), {
    what: `cp.async of ${bytes} bytes`, proxy: 'generic',
    ranges() {
      const all: AsyncRange[] = []
      forLanes(lanes, (lane) => {
        if (taken[lane]) all.push({ space: 'global', kind: 'read', cta: w.cta, start: from[lane], bytes: taken[lane], lane })
        all.push({ space: 'shared', kind: 'write', cta: w.cta, start: to[lane], bytes, lane })
      })
      return all
    },
    land() {
      const { u32, u8 } = memory
      for (let lane = 0, m = lanes; m !== 0; lane++, m >>>= 1) {
        if (!(m & 1)) continue
        const [d, a, n] = [to[lane], from[lane], taken[lane]]
        if (n === bytes) for (let k = 0; k < bytes; k += 4) u32[(d + k) >>> 2] = u32[(a + k) >>> 2]
        else { u8.copyWithin(d, a, a + n); u8.fill(0, d + n, d + bytes) }
      }
    },
  }, lanes)
}

/**
 * The barrier hears of all copies that the thread has started so far: an arrival when the last has landed. Without .noinc that
 * arrival is one more than the barrier was made for.
 */
const arrival: Decoder = (s, ctx) => {
  takeWords(ctx, 'arrive')
  since(ctx, 'cp.async.mbarrier.arrive', 7.0, 80)
  const noinc = ctx.modifiers.flag('noinc')
  const t = takeAll(ctx, { space: ['shared', 'shared::cta'], type: ['b64'] })
  if (t.type === undefined) ctx.modifiers.need(['b64'] as const, 'type')
  if (t.space === 'shared::cta') since(ctx, '.shared::cta', 7.8)
  ctx.operands(1)
  const at = ctx.address(s.operands[0])
  return {
    touchesMemory: true,
    exec(w, mask) {
      const { agents, sanitizer } = w.machine
      const go = barrierPlaces(w, mask, at, t.space)
      const places = linear.slice()
      const barriers: [number, Barrier][] = []
      forLanes(go, (lane) => {
        const b = barrierAt(w, lane, places[lane])
        if (b === undefined) return
        barriers.push([lane, b])
        if (!noinc) expectOneMore(w, lane, b)
      })
      if (go === 0) return
      const copies = CopyGroups.of(w, kind).followed(go)
      agents.issue({
        what: 'cp.async.mbarrier.arrive', warp: w, lane: lowestLane(go), instruction: w.current, order: null, done: false,
        perform() {
          for (const op of copies) agents.force(op)
          for (const b of new Set(barriers.map(([, b]) => b))) for (const { handle } of copies) if (handle !== null) sanitizer!.asyncDone(handle, b)
          for (const [lane, b] of barriers) arrive(w, lane, b, 1)
        },
      })
    },
  }
}

export const asyncCopy: Chapter = {
  'cp.async.ca': copy,
  'cp.async.cg': copy,
  'cp.async.commit_group': commitGroup(kind),
  'cp.async.wait_group': waitGroup(kind, false),
  'cp.async.wait_all': waitAll(kind),
  'cp.async.mbarrier.arrive': arrival,
}
