// Runs the warps of resident blocks: groups of lanes with equal pcs, lowest pc first, blocks and warps in seeded order.
import { NEXT, RETRY, WAIT, YIELD, type Cta, type Frame, type Group, type Instruction, type Warp } from './machine.ts'

/** Backward branches of one group before others of its warp get their turn: spin loops must not starve who they wait for. */
const turnsOfAGroup = 64
/** Instructions of one warp before the next warp runs. */
export const quantum = 20000

/** What a launch counts and may stop for. */
export interface Meter { executed: number; readonly max: number; tooMany(warp: Warp): never }

export function guardMask(warp: Warp, i: Instruction, mask: number): number {
  if (i.guard === null) return mask
  const bits = warp.machine.memory.i32[(warp.base + i.guard.slot) >> 2]
  return mask & (i.guard.negate ? ~bits : bits)
}

export function enter(warp: Warp, g: Group): void {
  warp.group = g
  warp.frame = g.frame
  warp.base = g.frame.base
}

const sameFrame = (a: Frame, b: Frame) => a === b

/** Groups at one pc of one frame go on together. */
export function merge(warp: Warp): void {
  const groups = warp.groups
  for (let i = 0; i < groups.length; i++) {
    for (let j = groups.length - 1; j > i; j--) {
      const [a, b] = [groups[i], groups[j]]
      if (a.pc !== b.pc || !sameFrame(a.frame, b.frame)) continue
      // One that waits for lanes at this very instruction is woken by those that arrive; a barrier's wait has its pc behind it.
      const retrying = (g: Group) => g.wait === null || g.retry === true
      if (!retrying(a) || !retrying(b)) continue
      a.mask |= b.mask
      a.wait = null
      groups.splice(j, 1)
    }
  }
}

/** Ends the threads of `mask` in group g. */
export function exitLanes(warp: Warp, g: Group, mask: number): void {
  warp.alive &= ~mask
  g.mask &= ~mask
  let threads = 0
  for (let m = mask; m !== 0; m &= m - 1) threads++
  warp.cta.aliveThreads -= threads
  if (g.mask === 0) warp.groups.splice(warp.groups.indexOf(g), 1)
}

/** The group whose turn it is: lowest pc, but after many turns another; undefined when all wait. */
function choose(warp: Warp): Group | undefined {
  let best: Group | undefined
  for (const g of warp.groups) {
    if (g.wait !== null) {
      if (!g.wait.ready()) continue
      g.wait = null
      g.retry = false
    }
    if (best === undefined || rank(g) < rank(best) || (rank(g) === rank(best) && g.pc < best.pc)) best = g
  }
  return best
}
/** Groups that looped much give way: their rank grows with every full round of turns. */
const rank = (g: Group) => Math.floor((g.turns ?? 0) / turnsOfAGroup)

/** Runs one warp for a quantum. Returns false if nothing of it could run. */
export function runWarp(warp: Warp, meter: Meter): boolean {
  let ran = false
  let left = quantum
  while (left > 0 && warp.groups.length) {
    if (warp.groups.length > 1) merge(warp)
    const g = choose(warp)
    if (g === undefined) return ran
    ran = true
    enter(warp, g)
    const before = left
    left = runGroup(warp, g, left, meter)
    if (left === before) break
    if (left < 0) return true
  }
  return ran
}

/** Interprets one group until it waits, divides, meets another group, or its budget ends; returns the budget left, -1 to yield. */
function runGroup(warp: Warp, g: Group, budget: number, meter: Meter): number {
  const { instructions } = g.frame.fn
  const limit = lowestOther(warp, g)
  while (budget > 0) {
    const i = instructions[g.pc]
    if (i === undefined) { leaveFrame(warp, g); return budget - 1 }
    warp.current = i
    budget--
    count(meter, warp, g.mask)
    const mask = guardMask(warp, i, g.mask)
    if (i.exec !== null) {
      if (mask !== 0) i.exec(warp, mask)
      g.pc++
      if (g.pc === limit) return budget
      continue
    }
    const pc = g.pc
    const groups = warp.groups.length
    const outcome = i.control!(warp, g, mask)
    if (outcome === WAIT || outcome === RETRY) { g.retry = outcome === RETRY; return budget }
    if (outcome === YIELD) { g.turns = (g.turns ?? 0) + turnsOfAGroup; return -1 }
    if (outcome !== NEXT) throw new Error(`${i.name}: outcome ${outcome}`)
    // Ended, divided or left for another function: look again.
    if (warp.groups.length !== groups || g.frame.fn.instructions !== instructions || g.mask === 0) return budget
    if (g.pc <= pc) { g.turns = (g.turns ?? 0) + 1; if (warp.groups.length > 1 && g.turns % turnsOfAGroup === 0) return budget }
    if (g.pc >= limit) return budget
  }
  return budget
}

function count(meter: Meter, warp: Warp, mask: number): void {
  let n = 32
  if (mask !== -1) { n = 0; for (let m = mask; m !== 0; m &= m - 1) n++ }
  meter.executed += n
  warp.machine.executed = meter.executed
  if (meter.executed > meter.max) meter.tooMany(warp)
}

/** Falling off the end of a function returns from it. */
export function leaveFrame(warp: Warp, g: Group): void {
  const { parent, returnPc } = g.frame
  if (parent === null) { exitLanes(warp, g, g.mask); return }
  g.frame.onReturn?.(warp, g.mask)
  g.frame = parent
  g.pc = returnPc
}

function lowestOther(warp: Warp, g: Group): number {
  let low = Infinity
  for (const other of warp.groups) if (other !== g && other.frame === g.frame && other.pc > g.pc && other.pc < low) low = other.pc
  return low
}

/** What nobody of the block can get past, for a deadlock report. */
export function waits(ctas: readonly Cta[]): { warp: Warp; group: Group }[] {
  return ctas.flatMap((cta) => cta.warps.flatMap((warp) => warp.groups.filter((g) => g.wait !== null).map((group) => ({ warp, group }))))
}
