// Between lanes of a warp (PTX ISA 9.7.9.6, 9.7.13): vote, match, redux, activemask, elect, bar.warp; shfl is in shuffle.ts.
import type { Chapter, DecodeContext } from '../decode.ts'
import { lowestLane } from '../diagnostics.ts'
import type { Exec, Slot } from '../machine.ts'
import { readPredicate, writePredicate } from '../slots.ts'
import { since, takeAll } from './free_modifiers.ts'
import { shfl } from './shuffle.ts'
import { isSync, synchronised } from './warp_sync.ts'

/** One word for all lanes of the mask. */
function spread(words: Int32Array | Uint32Array, at: number, mask: number, value: number): void {
  if (mask === -1) { words.fill(value, at, at + 32); return }
  for (let lane = 0, m = mask; m !== 0; lane++, m >>>= 1) if (m & 1) words[at + lane] = value
}

const needType = (ctx: DecodeContext, type: string | undefined, names: readonly string[]) => { if (type === undefined) ctx.modifiers.need(names, 'type') }

type Reduce = (words: Int32Array | Uint32Array, from: number, mask: number) => number
const reduce = (join: (x: number, y: number) => number): Reduce => (words, from, mask) => {
  const first = lowestLane(mask)
  let total = words[from + first]
  for (let lane = first + 1, m = first === 31 ? 0 : mask >>> (first + 1); m !== 0; lane++, m >>>= 1) if (m & 1) total = join(total, words[from + lane])
  return total
}
const reductions: Readonly<Record<string, Reduce>> = {
  add: reduce((x, y) => (x + y) | 0), min: reduce((x, y) => (y < x ? y : x)), max: reduce((x, y) => (y > x ? y : x)),
  and: reduce((x, y) => x & y), or: reduce((x, y) => x | y), xor: reduce((x, y) => x ^ y),
}

/** Slot of d of match and elect, which may be `_`; the second half is null where there is none. */
function resultPair(ctx: DecodeContext, o: Parameters<DecodeContext['dst']>[0]): [Slot, Slot | null] { return ctx.dstPair(o, 'b32', 'pred') }

export const warp: Chapter = {
  shfl,
  vote(s, ctx) {
    const sync = isSync(ctx, 'vote')
    if (sync) since(ctx, 'vote.sync', 6.0, 30)
    const t = takeAll(ctx, { sync: ['sync'], mode: ['all', 'any', 'uni', 'ballot'], type: ['pred', 'b32'] })
    if (t.mode === undefined) ctx.modifiers.need(['all', 'any', 'uni', 'ballot'] as const, 'mode')
    needType(ctx, t.type, ['pred', 'b32'])
    const ballot = t.mode === 'ballot'
    if (ballot !== (t.type === 'b32')) ctx.error(`vote.${t.mode} is of type ${ballot ? '.b32' : '.pred'}`)
    ctx.operands(sync ? 3 : 2)
    const d = ctx.dst(s.operands[0], ballot ? 'b32' : 'pred')
    const p = ctx.predicate(s.operands[1])
    const decide = t.mode === 'all' ? (yes: number, mask: number) => yes === mask : t.mode === 'any' ? (yes: number) => yes !== 0 : (yes: number, mask: number) => yes === mask || yes === 0
    const run: Exec = (w, mask) => {
      const { memory } = w.machine
      const yes = readPredicate(memory, w.base, p) & mask
      if (ballot) spread(memory.i32, (w.base + d) >> 2, mask, yes)
      else writePredicate(memory, w.base + d, mask, decide(yes, mask) ? mask : 0)
    }
    return sync ? synchronised(ctx.src(s.operands[2], 'b32'), run) : { exec: run }
  },
  activemask(s, ctx) {
    since(ctx, 'activemask', 6.2, 30)
    ctx.modifiers.need(['b32'] as const, 'type')
    ctx.operands(1)
    const d = ctx.dst(s.operands[0], 'b32')
    // Lanes with a false guard are not active.
    return { exec: (w, mask) => spread(w.machine.memory.i32, (w.base + d) >> 2, mask, mask) }
  },
  elect(s, ctx) {
    since(ctx, 'elect', 8.0, 90)
    ctx.modifiers.need(['sync'] as const, 'form')
    ctx.operands(2)
    if (s.operands[0].kind !== 'pair') ctx.error('elect.sync gives a register and a predicate: d|p', s.operands[0].at)
    const [d, p] = resultPair(ctx, s.operands[0])
    return synchronised(ctx.src(s.operands[1], 'b32'), (w, mask) => {
      const { memory } = w.machine
      const leader = lowestLane(mask)
      spread(memory.i32, (w.base + d) >> 2, mask, leader)
      writePredicate(memory, w.base + p!, mask, 1 << leader)
    })
  },
  redux(s, ctx) {
    since(ctx, 'redux', 7.0, 80)
    const t = takeAll(ctx, { sync: ['sync'], operation: ['add', 'min', 'max', 'and', 'or', 'xor'], abs: ['abs'], nan: ['NaN'], type: ['u32', 's32', 'b32', 'f32'] })
    if (t.sync === undefined) ctx.error('redux needs .sync')
    if (t.operation === undefined) ctx.modifiers.need(Object.keys(reductions), 'operation')
    needType(ctx, t.type, ['u32', 's32', 'b32'])
    if (t.type === 'f32' || t.abs || t.nan) ctx.error('redux.sync of .f32 needs sm_100a')
    const bitwise = t.operation === 'and' || t.operation === 'or' || t.operation === 'xor'
    if (bitwise !== (t.type === 'b32')) ctx.error(`redux.sync.${t.operation} is of type ${bitwise ? '.b32' : '.u32 or .s32'}`)
    ctx.operands(3)
    const [d, a, members] = [ctx.dst(s.operands[0], 'b32'), ctx.src(s.operands[1], 'b32'), ctx.src(s.operands[2], 'b32')]
    const operation = reductions[t.operation!]
    const signed = t.type !== 'u32'
    return synchronised(members, (w, mask) => {
      const { i32, u32 } = w.machine.memory
      const words = signed ? i32 : u32
      spread(words, (w.base + d) >> 2, mask, operation(words, (w.base + a) >> 2, mask))
    })
  },
  match(s, ctx) {
    since(ctx, 'match', 6.0, 70)
    const t = takeAll(ctx, { sync: ['sync'], mode: ['any', 'all'], type: ['b32', 'b64'] })
    if (t.sync === undefined) ctx.error('match needs .sync')
    if (t.mode === undefined) ctx.modifiers.need(['any', 'all'] as const, 'mode')
    needType(ctx, t.type, ['b32', 'b64'])
    ctx.operands(3)
    const all = t.mode === 'all'
    if (!all && s.operands[0].kind === 'pair') ctx.error('match.any gives no predicate', s.operands[0].at)
    const [d, p] = resultPair(ctx, s.operands[0])
    const [a, members] = [ctx.src(s.operands[1], t.type!), ctx.src(s.operands[2], 'b32')]
    const words = t.type === 'b64' ? 2 : 1
    return synchronised(members, (w, mask) => {
      const { memory } = w.machine
      const { u32, i32 } = memory
      const [from, to] = [(w.base + a) >> 2, (w.base + d) >> 2]
      // Classes are found before any result is written: d may be a.
      let classes = 0
      for (let left = mask; left !== 0; classes++) {
        const first = lowestLane(left)
        let same = 0
        for (let lane = first; lane < 32; lane++) if ((left >>> lane) & 1 && u32[from + lane * words] === u32[from + first * words] && (words === 1 || u32[from + 2 * lane + 1] === u32[from + 2 * first + 1])) same |= 1 << lane
        equal[classes] = same
        left &= ~same
      }
      if (!all) { for (let n = 0; n < classes; n++) spread(i32, to, equal[n], equal[n]); return }
      spread(i32, to, mask, classes === 1 ? mask : 0)
      if (p !== null) writePredicate(memory, w.base + p, mask, classes === 1 ? mask : 0)
    })
  },
  'bar.warp'(s, ctx) {
    since(ctx, 'bar.warp.sync', 6.0, 30)
    ctx.modifiers.flag('warp')
    ctx.modifiers.need(['sync'] as const, 'form')
    ctx.operands(1)
    return synchronised(ctx.src(s.operands[0], 'b32'), () => { /* arriving was all */ })
  },
}

/** Lanes with equal values, class by class. */
const equal = new Int32Array(32)
