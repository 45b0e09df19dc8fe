// cp.async.bulk and cp.reduce.async.bulk in all directions (PTX ISA 9.7.9.25.4).
import type { Chapter, DecodeContext, Decoder, Statement } from '../decode.ts'
import type { Cta, Slot, Warp } from '../machine.ts'
import { linear, rangeInside, sharedOwner } from './addresses.ts'
import { operationOf, type AtomicName, type AtomicOperation, type AtomicType } from './atomic_operations.ts'
import { commitGroup, CopyGroups, globalRange, offsets, sharedRange, stage, startCopy, takeWords, waitGroup, type Staged } from './copies.ts'
import { since, takeAll } from './free_modifiers.ts'
import { forLanes } from './lanes.ts'
import { barrierPlaces } from './mbarrier.ts'
import { barrierAt, misuse, type Barrier } from './mbarrier_state.ts'

export const bulkKind = 'cp.async.bulk'
const bytesCompleted = 'mbarrier::complete_tx::bytes'
type Space = 'shared' | 'global'
const spaceOf = (name: string): Space => (name === 'global' ? 'global' : 'shared')

/** Modifiers that all bulk and tensor copies share, in any order. */
export const bulkKinds = {
  completion: [bytesCompleted, 'bulk_group'], multicast: ['multicast::cluster'], policy: ['L2::cache_hint'], group: ['cta_group::1', 'cta_group::2'], mask: ['cp_mask'],
} as const

/** `.dst.src`, which stand together. */
export function directionOf(ctx: DecodeContext): { destination: string; source: string } {
  const destination = ctx.modifiers.need(['shared::cluster', 'shared::cta', 'global'] as const, 'destination space')
  const source = ctx.modifiers.need(['shared::cta', 'global'] as const, 'source space')
  if (destination === 'global' ? source === 'global' : destination === 'shared::cta' && source === 'shared::cta') ctx.error(`there is no copy to .${destination} from .${source}`)
  if (destination === 'shared::cta') since(ctx, '.shared::cta as destination', 8.6)
  return { destination, source }
}

/** The completion that the direction has. */
export function checkCompletion(ctx: DecodeContext, destination: string, completion: string | undefined): void {
  const needed = destination === 'global' ? 'bulk_group' : bytesCompleted
  if (completion === undefined) ctx.modifiers.need([needed], 'completion')
  if (completion !== needed) ctx.error(`a copy to .${destination} completes by .${needed}, not .${completion}`)
}

interface Places { readonly go: number; readonly at: Uint32Array }

/** A lane's barrier, which must be beside the destination. */
export function signalOf(w: Warp, lane: number, places: Places, destination: number): Barrier | null {
  if (!((places.go >>> lane) & 1)) return null
  const b = barrierAt(w, lane, places.at[lane])
  if (b === undefined) return null
  if (b.cta !== sharedOwner(w.cta, destination)) misuse(w, lane, b.at, 'the mbarrier of a copy is in the shared memory of another block than the destination')
  return b
}

/**
 * Calls f for each destination of a lane's copy, with its barrier: the one place, or the same offset in each block that a 16-bit mask
 * names; there the barrier is at the same offset too. Blocks that the cluster lacks are an error of the program.
 */
export function eachTarget(w: Warp, lane: number, maskSlot: Slot | null, destination: number, barriers: Places, f: (place: number, signal: Barrier | null) => void): void {
  if (maskSlot === null) { f(destination, signalOf(w, lane, barriers, destination)); return }
  const { ctas } = w.cta.cluster
  const mask = w.machine.memory.u32[((w.base + maskSlot) >> 2) + lane] & 0xffff
  if (mask >>> ctas.length !== 0) w.machine.fault('illegal-instruction', `a multicast to blocks 0x${mask.toString(16)} of a cluster of ${ctas.length}`, w, lane)
  const named = (barriers.go >>> lane) & 1
  ctas.forEach((cta, rank) => {
    if ((mask >>> rank) & 1) f(placeIn(w, cta, destination), (named ? barrierAt(w, lane, placeIn(w, cta, barriers.at[lane])) : null) ?? null)
  })
}

/** A place in one block's shared memory, in another's at the same offset. */
const placeIn = (w: Warp, cta: Cta, at: number): number => at - (sharedOwner(w.cta, at) ?? w.cta).sharedBase + cta.sharedBase

interface Bulk { readonly destination: string; readonly source: string; readonly multicast: boolean; readonly policy: boolean; readonly reduction?: { operation: AtomicOperation; bytes: number } }

/** The operands, and what runs for each lane. */
function bulkOf(s: Statement, ctx: DecodeContext, form: Bulk): ReturnType<Decoder> {
  const { destination, reduction } = form
  const signals = destination !== 'global'
  ctx.operands((signals ? 4 : 3) + (form.multicast ? 1 : 0) + (form.policy ? 1 : 0))
  const [to, from, size] = [ctx.address(s.operands[0]), ctx.address(s.operands[1]), ctx.src(s.operands[2], 'u32')]
  const barrier = signals ? ctx.address(s.operands[3]) : null
  const targets = form.multicast ? ctx.src(s.operands[4], 'b16') : null
  if (form.policy) ctx.src(s.operands.at(-1)!, 'b64')
  const [into, outOf] = [spaceOf(destination), spaceOf(form.source)]
  return {
    touchesMemory: true,
    exec(w, mask) {
      const d = offsets(w, mask, to, into, 16, destination === 'shared::cta')
      const a = offsets(w, d.go, from, outOf, 16, form.source === 'shared::cta')
      const barriers = barrier && { go: barrierPlaces(w, d.go, barrier, destination), at: linear.slice() }
      forLanes(d.go, (lane) => {
        const whole = w.machine.memory.u32[((w.base + size) >> 2) + lane]
        if (whole % 16 !== 0) w.machine.fault('misaligned-address', `a bulk copy of ${whole} bytes, must be a multiple of 16`, w, lane)
        // What a sanitizer was told of moves nothing, but completes.
        const readable = (a.go >>> lane) & 1 && rangeInside(w, lane, outOf, a.at[lane], whole) ? whole : 0
        const one = (to: number, signal: Barrier | null) => copyRange(w, lane, { to, into, from: a.at[lane], outOf, bytes: rangeInside(w, lane, into, to, readable) ? readable : 0, whole, signal, reduction })
        if (barriers === null) one(d.at[lane], null)
        else eachTarget(w, lane, targets, d.at[lane], barriers, one)
      })
    },
  }
}

interface RangeCopy { to: number; into: Space; from: number; outOf: Space; bytes: number; whole: number; signal: Barrier | null; reduction?: Bulk['reduction'] }

function copyRange(w: Warp, lane: number, { to, into, from, outOf, bytes, whole, signal, reduction }: RangeCopy): void {
  const { memory } = w.machine
  let staged: Staged | undefined
  const range = (space: Space, kind: 'read' | 'write' | 'atomic', start: number) => (space === 'shared' ? sharedRange(w, kind, start, bytes) : globalRange(w, kind, start, bytes))
  const op = startCopy(w, lane, {
    what: `${reduction ? 'cp.reduce.async.bulk' : 'cp.async.bulk'} of ${bytes} bytes`, proxy: 'async',
    ranges: () => (bytes === 0 ? [] : [range(outOf, 'read', from), range(into, reduction ? 'atomic' : 'write', to)]),
    read() { staged ??= stage(w, from, bytes) },
    land() {
      const source = staged?.place ?? from
      if (reduction) for (let x = 0; x < bytes; x += reduction.bytes) reduction.operation(memory, to + x, source + x, source + x)
      else memory.u8.copyWithin(to, source, source + bytes)
      if (staged) memory.release(staged.base)
    },
    signal: signal && { barrier: signal, bytes: whole },
  })
  if (into === 'global') CopyGroups.of(w, bulkKind).add(op)
}

const copy: Decoder = (s, ctx) => {
  takeWords(ctx, 'bulk')
  since(ctx, 'cp.async.bulk', 8.0, 90)
  const { destination, source } = directionOf(ctx)
  const t = takeAll(ctx, bulkKinds)
  checkCompletion(ctx, destination, t.completion)
  if (t.mask) ctx.error('.cp_mask needs sm_100')
  if (t.group) ctx.error(`.${t.group} is for tensor copies on sm_100`)
  if (t.multicast && !(destination === 'shared::cluster' && source === 'global')) ctx.error('.multicast::cluster is for copies to .shared::cluster from .global')
  if (t.policy && destination !== 'global' && source !== 'global') ctx.error('.L2::cache_hint is for copies from or to .global')
  return bulkOf(s, ctx, { destination, source, multicast: t.multicast !== undefined, policy: t.policy !== undefined })
}

/** Types that each operation has, in shared and in global memory (table of cp.reduce.async.bulk). */
const reductions: Readonly<Record<Space, Readonly<Partial<Record<AtomicName, readonly AtomicType[]>>>>> = {
  shared: { add: ['u32', 's32', 'u64'], min: ['u32', 's32'], max: ['u32', 's32'], inc: ['u32'], dec: ['u32'], and: ['b32'], or: ['b32'], xor: ['b32'] },
  global: {
    add: ['u32', 's32', 'u64', 'f32', 'f64', 'f16', 'bf16'], min: ['u32', 's32', 'u64', 's64', 'f16', 'bf16'], max: ['u32', 's32', 'u64', 's64', 'f16', 'bf16'], inc: ['u32'], dec: ['u32'],
    and: ['b32', 'b64'], or: ['b32', 'b64'], xor: ['b32', 'b64'],
  },
}
export const reductionNames = Object.keys(reductions.global) as AtomicName[]
const reductionTypes: readonly AtomicType[] = ['b32', 'u32', 's32', 'b64', 'u64', 's64', 'f16', 'bf16', 'f32', 'f64']

const reduce: Decoder = (s, ctx) => {
  takeWords(ctx, 'bulk')
  since(ctx, 'cp.reduce.async.bulk', 8.0, 90)
  const { destination, source } = directionOf(ctx)
  if (source === 'global') ctx.error('cp.reduce.async.bulk has no form from .global')
  const t = takeAll(ctx, { ...bulkKinds, name: reductionNames, noftz: ['noftz'], type: reductionTypes })
  checkCompletion(ctx, destination, t.completion)
  if (t.mask ?? t.multicast ?? t.group) ctx.error(`.${t.mask ?? t.multicast ?? t.group} is not for reductions`)
  if (t.policy && destination !== 'global') ctx.error('.L2::cache_hint is for .global')
  if (t.name === undefined) ctx.modifiers.need(reductionNames, 'operation')
  if (t.type === undefined) ctx.modifiers.need(reductionTypes, 'type')
  const [name, type] = [t.name!, t.type!]
  const known = reductions[spaceOf(destination)][name]!
  if (!known.includes(type)) ctx.error(`.${name} to .${destination} has no .${type}; it has ${known.map((x) => `.${x}`).join(' ')}`)
  const short = type === 'f16' || type === 'bf16'
  if ((t.noftz !== undefined) !== (short && name === 'add')) ctx.error(t.noftz ? `.noftz is not for .${name}.${type}` : `.add.${type} needs .noftz`)
  return bulkOf(s, ctx, { destination, source, multicast: false, policy: t.policy !== undefined, reduction: { operation: operationOf(name, type, type === 'f32'), bytes: Number(/\d+/.exec(type)![0]) / 8 } })
}

const prefetch: Decoder = (s, ctx) => {
  takeWords(ctx, 'prefetch')
  since(ctx, 'cp.async.bulk.prefetch', 8.0, 90)
  ctx.modifiers.need(['L2'] as const, 'level')
  ctx.modifiers.need(['global'] as const, 'source space')
  const hint = ctx.modifiers.flag('L2::cache_hint')
  ctx.operands(hint ? 3 : 2)
  ctx.address(s.operands[0])
  ctx.src(s.operands[1], 'u32')
  if (hint) ctx.src(s.operands[2], 'b64')
  return { exec() { /* caches are not modelled */ } }
}

export const bulkCopy: Chapter = {
  'cp.async.bulk': copy,
  'cp.async.bulk.commit_group': commitGroup(bulkKind),
  'cp.async.bulk.wait_group': waitGroup(bulkKind, true),
  'cp.async.bulk.prefetch': prefetch,
  'cp.reduce.async.bulk': reduce,
}
