// cp.async.bulk.tensor, cp.reduce.async.bulk.tensor and the prefetch, in tile mode (PTX ISA 9.7.9.25.5).
import type { Operand } from '../ast.ts'
import type { Chapter, DecodeContext, Decoder } from '../decode.ts'
import type { AddressParts } from '../decode_context.ts'
import type { AsyncRange, Slot, Warp } from '../machine.ts'
import { decodeTensorMap, misplaced, tensorMapAlign, tensorMapBytes, type TensorDataType, type TensorMap } from '../tensor_map.ts'
import { linear, rangeInside, resolve, showAddress } from './addresses.ts'
import { operationOf, type AtomicName, type AtomicType } from './atomic_operations.ts'
import { bulkKind, bulkKinds, checkCompletion, directionOf, eachTarget, reductionNames } from './bulk_copy.ts'
import { CopyGroups, globalRange, offsets, sharedRange, stage, startCopy, takeWords, type Staged } from './copies.ts'
import { since, takeAll } from './free_modifiers.ts'
import { forLanes } from './lanes.ts'
import { barrierPlaces } from './mbarrier.ts'
import type { Barrier } from './mbarrier_state.ts'
import { mapUsed } from './tensormap_proxy.ts'
import { boxAt, eachRun, extentOf, globalRuns, loadBox, sharedRuns, sharedSpan, storeBox, type Box } from './tensor_box.ts'

/** Where boxes lie in shared memory: a multiple of it. */
const boxAlign = 128

const modes = ['tile', 'im2col', 'im2col_no_offs', 'im2col::w', 'im2col::w::128', 'tile::gather4', 'tile::scatter4'] as const

/** `.1d` to `.5d`; the mode may also stand right behind it. */
function rankOf(ctx: DecodeContext): number { return Number(ctx.modifiers.need(['1d', '2d', '3d', '4d', '5d'] as const, 'dimension')[0]) }

function checkMode(ctx: DecodeContext, mode: string | undefined): void {
  if (mode === undefined || mode === 'tile') return
  ctx.error(mode.startsWith('im2col') && !mode.includes('::') ? `.${mode}: only tile mode is emulated` : `.${mode} needs sm_100`)
}

interface TensorOperand { readonly at: AddressParts; readonly coordinates: readonly Slot[] }

function tensorOperand(ctx: DecodeContext, o: Operand, rank: number): TensorOperand {
  if (o.kind !== 'tensor') return ctx.error('a tensor map with coordinates in brackets is needed here', o.at)
  if (o.coordinates.length !== rank) ctx.error(`${o.coordinates.length} coordinates for .${rank}d`, o.at)
  return { at: ctx.address(o.map), coordinates: o.coordinates.map((c) => ctx.src(c, 's32')) }
}

/** Every lane's box, or null where the sanitizer held it back. */
function boxes(w: Warp, mask: number, { at, coordinates }: TensorOperand): (Box | null)[] {
  const all = new Array<Box | null>(32).fill(null)
  const { memory } = w.machine
  const go = resolve(w, mask, at, { space: 'generic', kind: 'read', bytes: tensorMapAlign, order: 'weak', scope: 'cta', untold: true })
  forLanes(go, (lane) => {
    const bad = (problem: string) => w.machine.fault('illegal-instruction', problem, w, lane)
    if (!holdsMap(w, lane, linear[lane])) return
    mapUsed(w, lane, linear[lane])
    const map = decodeTensorMap(memory, linear[lane])
    if (typeof map === 'string') return bad(map)
    if (map.rank !== coordinates.length) bad(`a tensor map of rank ${map.rank} with ${coordinates.length} coordinates`)
    const box = boxAt(map, coordinates.map((slot) => memory.i32[((w.base + slot) >> 2) + lane]))
    // What a sanitizer was told of moves nothing, but completes.
    all[lane] = isInside(w, lane, map, box) ? box : { ...box, empty: true, whole: false }
  })
  return all
}

/** The map is among the kernel's parameters or in global (or constant) memory, all of its bytes. */
function holdsMap(w: Warp, lane: number, place: number): boolean {
  const { paramBase, paramBytes } = w.cta.launch
  if (place >= paramBase && place + tensorMapBytes <= paramBase + paramBytes) return true
  return rangeInside(w, lane, 'global', place, tensorMapBytes)
}

/** Whether all that the box touches lies in one allocation; if not, that was told, or ends the launch. */
function isInside(w: Warp, lane: number, map: TensorMap, box: Box): boolean {
  const { memory, sanitizer } = w.machine
  const wrong = misplaced(map, memory)
  if (wrong === undefined) {
    if (box.empty) return true
    const [start, end] = extentOf(box)
    return rangeInside(w, lane, 'global', start, end - start)
  }
  if (sanitizer === null) w.machine.fault('illegal-address', wrong, w, lane, { space: 'global', address: showAddress(map.high, map.low) })
  sanitizer!.badAddress(w, lane, 'global', (BigInt(map.high) << 32n) | BigInt(map.low), box.bytes)
  return false
}

const ranges = (w: Warp, kind: AsyncRange['kind'], box: Box): AsyncRange[] => globalRuns(box).map((r) => globalRange(w, kind, r.start, r.bytes))

function load(w: Warp, lane: number, box: Box, place: number, barrier: Barrier | null): void {
  const fits = rangeInside(w, lane, 'shared', place, sharedSpan(box))
  startCopy(w, lane, {
    what: `tensor load of ${box.bytes} bytes`, proxy: 'async',
    // Zeros are written too: the whole box.
    ranges: () => (fits ? [...ranges(w, 'read', box), ...sharedRuns({ ...box, first: box.counts.map(() => 0), end: box.counts, whole: true, empty: false }, place).map((r) => sharedRange(w, 'write', r.start, r.bytes))] : []),
    land() { if (fits) loadBox(w.machine.memory, box, place) },
    signal: barrier && { barrier, bytes: box.bytes },
  })
}

/** `write` moves or reduces a run. */
function store(w: Warp, lane: number, box: Box, place: number, kind: 'write' | 'atomic', write: (box: Box, shared: number) => void): void {
  const { memory } = w.machine
  const fits = rangeInside(w, lane, 'shared', place, sharedSpan(box))
  let staged: Staged | undefined
  const op = startCopy(w, lane, {
    what: `tensor ${kind === 'write' ? 'store' : 'reduction'} of ${box.bytes} bytes`, proxy: 'async',
    ranges: () => (fits ? [...sharedRuns(box, place).map((r) => sharedRange(w, 'read', r.start, r.bytes)), ...ranges(w, kind, box)] : []),
    read() { if (fits) staged ??= stage(w, place, sharedSpan(box)) },
    land() {
      if (fits) write(box, staged?.place ?? place)
      if (staged) memory.release(staged.base)
    },
  })
  CopyGroups.of(w, bulkKind).add(op)
}

const copy: Decoder = (s, ctx) => {
  takeWords(ctx, 'tensor')
  since(ctx, 'cp.async.bulk.tensor', 8.0, 90)
  const rank = rankOf(ctx)
  const early = ctx.modifiers.oneOf(modes)
  const { destination } = directionOf(ctx)
  const t = takeAll(ctx, { ...bulkKinds, mode: modes })
  checkMode(ctx, early ?? t.mode)
  if (early && t.mode) ctx.error(`.${early} and .${t.mode} exclude each other`)
  checkCompletion(ctx, destination, t.completion)
  if (t.group) ctx.error(`.${t.group} needs sm_100`)
  if (t.mask) ctx.error('.cp_mask is not for tensor copies')
  if (t.multicast && destination !== 'shared::cluster') ctx.error('.multicast::cluster is for copies to .shared::cluster')
  if (destination === 'global') {
    ctx.operands(t.policy ? 3 : 2)
    const [tensor, from] = [tensorOperand(ctx, s.operands[0], rank), ctx.address(s.operands[1])]
    if (t.policy) ctx.src(s.operands[2], 'b64')
    return storing(tensor, from, () => ({ kind: 'write', write: (w, box, shared) => storeBox(w.machine.memory, box, shared) }))
  }
  ctx.operands(3 + (t.multicast ? 1 : 0) + (t.policy ? 1 : 0))
  const [to, tensor, barrier] = [ctx.address(s.operands[0]), tensorOperand(ctx, s.operands[1], rank), ctx.address(s.operands[2])]
  const targets = t.multicast ? ctx.src(s.operands[3], 'b16') : null
  if (t.policy) ctx.src(s.operands.at(-1)!, 'b64')
  return {
    touchesMemory: true,
    exec(w, mask) {
      const d = offsets(w, mask, to, 'shared', boxAlign, destination === 'shared::cta')
      const barriers = { go: barrierPlaces(w, d.go, barrier, destination), at: linear.slice() }
      const all = boxes(w, d.go, tensor)
      forLanes(d.go, (lane) => {
        const box = all[lane]
        if (box === null) return
        eachTarget(w, lane, targets, d.at[lane], barriers, (place, signal) => load(w, lane, box, place, signal))
      })
    },
  }
}

interface Write { readonly kind: 'write' | 'atomic'; write(w: Warp, box: Box, shared: number): void }

/** `writeOf`: what is done with a box, which depends on its element type. */
function storing(tensor: TensorOperand, from: AddressParts, writeOf: (w: Warp, lane: number, type: TensorDataType) => Write): ReturnType<Decoder> {
  return {
    touchesMemory: true,
    exec(w, mask) {
      const a = offsets(w, mask, from, 'shared', boxAlign, true)
      const all = boxes(w, a.go, tensor)
      forLanes(a.go, (lane) => {
        const box = all[lane]
        if (box === null) return
        const { kind, write } = writeOf(w, lane, box.map.type.name)
        store(w, lane, box, a.at[lane], kind, (b, shared) => write(w, b, shared))
      })
    },
  }
}

/** What the elements of a map are to the reductions; min and max of f32 do not exist. */
const arithmetic: Readonly<Partial<Record<TensorDataType, AtomicType>>> = {
  UINT32: 'u32', INT32: 's32', UINT64: 'u64', INT64: 's64', FLOAT16: 'f16', BFLOAT16: 'bf16', FLOAT32: 'f32', FLOAT32_FTZ: 'f32', FLOAT64: 'f64',
}
const has: Readonly<Record<string, readonly string[]>> = {
  add: ['u32', 's32', 'u64', 's64', 'f16', 'bf16', 'f32', 'f64'], min: ['u32', 's32', 'u64', 's64', 'f16', 'bf16'], max: ['u32', 's32', 'u64', 's64', 'f16', 'bf16'], inc: ['u32'], dec: ['u32'],
  and: ['u32', 's32', 'u64', 's64'], or: ['u32', 's32', 'u64', 's64'], xor: ['u32', 's32', 'u64', 's64'],
}
function reductionOf(w: Warp, lane: number, name: AtomicName, type: TensorDataType): Write {
  const own = arithmetic[type]
  if (own === undefined || !has[name].includes(own)) return w.machine.fault('illegal-instruction', `.${name} on a tensor of ${type}`, w, lane)
  const bytes = Number(/\d+/.exec(own)![0]) / 8
  const operation = operationOf(name, ['and', 'or', 'xor'].includes(name) ? `b${bytes * 8}` as AtomicType : own, own === 'f32')
  return {
    kind: 'atomic',
    write({ machine: { memory } }, box, shared) {
      eachRun(box, shared, (global, place, run) => { for (let x = 0; x < run; x += bytes) operation(memory, global + x, place + x, place + x) })
    },
  }
}

const reduce: Decoder = (s, ctx) => {
  takeWords(ctx, 'tensor')
  since(ctx, 'cp.reduce.async.bulk.tensor', 8.0, 90)
  const rank = rankOf(ctx)
  const early = ctx.modifiers.oneOf(modes)
  const { destination } = directionOf(ctx)
  if (destination !== 'global') ctx.error('cp.reduce.async.bulk.tensor has only the direction .global.shared::cta')
  const t = takeAll(ctx, { ...bulkKinds, mode: modes, name: reductionNames })
  checkMode(ctx, early ?? t.mode)
  if (early && t.mode) ctx.error(`.${early} and .${t.mode} exclude each other`)
  checkCompletion(ctx, destination, t.completion)
  const stray = t.group ?? t.mask ?? t.multicast
  if (stray) ctx.error(`.${stray} is not for reductions`)
  if (t.name === undefined) ctx.modifiers.need(reductionNames, 'operation')
  ctx.operands(t.policy ? 3 : 2)
  const [tensor, from] = [tensorOperand(ctx, s.operands[0], rank), ctx.address(s.operands[1])]
  if (t.policy) ctx.src(s.operands[2], 'b64')
  return storing(tensor, from, (w, lane, type) => reductionOf(w, lane, t.name!, type))
}

const prefetch: Decoder = (s, ctx) => {
  takeWords(ctx, 'tensor')
  since(ctx, 'cp.async.bulk.prefetch.tensor', 8.0, 90)
  const rank = rankOf(ctx)
  ctx.modifiers.need(['L2'] as const, 'level')
  ctx.modifiers.need(['global'] as const, 'source space')
  const t = takeAll(ctx, { mode: modes, policy: ['L2::cache_hint'] })
  checkMode(ctx, t.mode)
  ctx.operands(t.policy ? 2 : 1)
  tensorOperand(ctx, s.operands[0], rank)
  if (t.policy) ctx.src(s.operands[1], 'b64')
  return { exec() { /* caches are not modelled */ } }
}

export const tensorCopy: Chapter = { 'cp.async.bulk.tensor': copy, 'cp.reduce.async.bulk.tensor': reduce, 'cp.async.bulk.prefetch.tensor': prefetch }
