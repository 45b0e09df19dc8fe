// mbarrier objects (PTX ISA 9.7.13.15; ptx-isa-notes 2.6): what counts is kept here, by block and place; the object's own 8 bytes
// hold its phase and its pending arrivals for whoever looks.
import { CLUSTER_SHIFT, type Cta, type Warp } from '../machine.ts'
import { sharedOwner } from './addresses.ts'

/** Also the sanitizer's key. A phase ends when neither arrivals nor bytes are missing; bytes may come before they are expected. */
export interface Barrier {
  readonly cta: Cta
  /** Linear place. */
  readonly at: number
  phase: number
  /** Arrivals of the next phases. */
  expected: number
  pending: number
  tx: number
}

export const maxCount = 2 ** 20 - 1

const key = 'mbarriers'
function barriersOf(cta: Cta): Map<number, Barrier> {
  let own = cta.state.get(key) as Map<number, Barrier> | undefined
  if (!own) cta.state.set(key, (own = new Map()))
  return own
}

/** A place in shared memory as the block of `cta` writes it. */
export function sharedAddress(cta: Cta, at: number): string {
  const owner = sharedOwner(cta, at) ?? cta
  return `0x${((owner === cta ? 0 : (owner.rankInCluster + 1) * 2 ** CLUSTER_SHIFT) + at - owner.sharedBase).toString(16)}`
}

/** Undefined behaviour of the program: told by the sanitizer, which goes on, or the end of the launch. */
export function misuse(w: Warp, lane: number, at: number, problem: string): void {
  const { machine } = w
  if (machine.sanitizer === null) machine.fault('illegal-instruction', problem, w, lane)
  machine.sanitizer!.report('mbarrier-misuse', w, lane, sharedAddress(w.cta, at), problem)
}

/** The barrier at a linear place; undefined only with a sanitizer, which was told. */
export function barrierAt(w: Warp, lane: number, at: number): Barrier | undefined {
  const own = barriersOf(sharedOwner(w.cta, at) ?? w.cta).get(at)
  if (own === undefined) misuse(w, lane, at, `shared offset ${sharedAddress(w.cta, at)} holds no initialised mbarrier`)
  return own
}

export function initBarrier(w: Warp, lane: number, at: number, expected: number): void {
  const { cta, machine: { sanitizer } } = w
  const all = barriersOf(cta)
  // Without a sanitizer it simply starts anew, as the hardware does.
  if (sanitizer !== null && all.has(at)) misuse(w, lane, at, 'mbarrier.init of a live mbarrier; mbarrier.inval must come first')
  if (expected < 1 || expected > maxCount) misuse(w, lane, at, `an mbarrier for ${expected} arrivals, must be 1 to ${maxCount}`)
  const b: Barrier = { cta, at, phase: 0, expected, pending: expected, tx: 0 }
  all.set(at, b)
  show(b)
  sanitizer?.mbarrierLive(w, lane, cta, at)
}

export function endBarrier(w: Warp, lane: number, at: number): void {
  const b = barrierAt(w, lane, at)
  if (b === undefined) return
  barriersOf(b.cta).delete(at)
  w.machine.sanitizer?.mbarrierGone(b.cta, at)
}

function show({ cta, at, phase, pending }: Barrier): void {
  const { u32 } = cta.machine.memory
  u32[at >> 2] = pending
  u32[(at >> 2) + 1] = phase
}

function settle(b: Barrier): void {
  if (b.pending === 0 && b.tx === 0) {
    b.phase++
    b.pending = b.expected
  }
  show(b)
}

function count(w: Warp, lane: number, b: Barrier, bytes: number): void {
  b.tx += bytes
  if (Math.abs(b.tx) > maxCount) misuse(w, lane, b.at, `an mbarrier's transaction count of ${b.tx}, must stay within ${maxCount}`)
}

/** Bytes that arrived. */
export function completeTx(w: Warp, lane: number, b: Barrier, bytes: number): void { count(w, lane, b, -bytes); settle(b) }

export function expectTx(w: Warp, lane: number, b: Barrier, bytes: number): void { count(w, lane, b, bytes) }

/** `noComplete`: the program promises that the phase does not end here. */
export function arrive(w: Warp, lane: number, b: Barrier, arrivals: number, noComplete = false): void {
  if (arrivals < 1 || arrivals > maxCount) misuse(w, lane, b.at, `${arrivals} arrivals on an mbarrier, must be 1 to ${maxCount}`)
  if (arrivals > b.pending) {
    misuse(w, lane, b.at, `${arrivals} arrivals on an mbarrier that expects ${b.pending} more in this phase`)
    arrivals = b.pending
  }
  b.pending -= arrivals
  if (noComplete && b.pending === 0) misuse(w, lane, b.at, 'an arrival with .noComplete that completes the phase')
  settle(b)
}

/** The lane leaves for good: the next phases expect that many less. */
export function drop(w: Warp, lane: number, b: Barrier, arrivals: number): void {
  if (arrivals > b.expected) misuse(w, lane, b.at, `arrive_drop of ${arrivals} on an mbarrier for ${b.expected} arrivals`)
  b.expected = Math.max(0, b.expected - arrivals)
}

/** One more arrival is to come in this phase. */
export function expectOneMore(w: Warp, lane: number, b: Barrier): void {
  if (++b.pending > maxCount) misuse(w, lane, b.at, `an mbarrier that expects ${b.pending} arrivals, must be at most ${maxCount}`)
}
