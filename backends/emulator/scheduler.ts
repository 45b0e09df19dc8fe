// Runs the warps of resident blocks: groups of lanes with equal pcs, lowest pc first, so that divided lanes meet again.
import type { Activation } from './frames.ts'
import { leaveActivations, returnLanes } from './frames.ts'
import { warm, type CompiledFunction } from './codegen/tier.ts'
import type { DecodedFunction } from './image.ts'
import { popcount } from './diagnostics.ts'
import { NEXT, RETRY, WAIT, YIELD, type Cta, type Frame, type Group, type Instruction, type Machine, type RunGroup, type Warp } from './machine.ts'
import { readPredicate } from './slots.ts'

/** Throws when the launch has run too many instructions; looked at once per control instruction. */
export interface Meter { readonly max: number; tooMany(warp: Warp): never }

/** How a launch shares time. */
export interface Turns {
  /** Warp instructions of one warp before the next warp runs. */
  quantum: number
  /** Backward branches of one group before others of its warp get their turn: a spin loop must not starve those it waits for. */
  readonly backEdges: number
}

export function guardMask(warp: Warp, i: Instruction, mask: number): number {
  if (i.guard === null) return mask
  return mask & readPredicate(warp.machine.memory, warp.base, i.guard)
}

export function enter(warp: Warp, g: Group): void {
  warp.group = g
  warp.frame = g.frame
  warp.base = g.frame.base
}

/** One that waits for lanes at its very instruction is woken by those that arrive; a barrier's wait has its pc behind it. */
const joinable = (g: Group) => g.wait === null || g.retry === true

/** Groups at one pc of one frame go on together. */
export function merge(warp: Warp): void {
  const groups = warp.groups
  for (let i = 0; i < groups.length; i++) {
    const a = groups[i]
    for (let j = groups.length - 1; j > i; j--) {
      const b = groups[j]
      if (a.pc !== b.pc || a.frame !== b.frame || !joinable(a) || !joinable(b)) continue
      a.mask |= b.mask
      a.wait = null
      a.retry = false
      a.turns = Math.max(a.turns ?? 0, b.turns ?? 0)
      groups.splice(j, 1)
    }
  }
}

/** Lanes of `mask` leave group g for `pc`, with what has been counted for it. */
export function split(warp: Warp, g: Group, mask: number, pc: number): Group {
  const own: Group = { pc, mask, frame: g.frame, wait: null, turns: g.turns }
  g.mask &= ~mask
  warp.groups.push(own)
  return own
}

export function drop(warp: Warp, g: Group): void {
  const at = warp.groups.indexOf(g)
  if (at >= 0) warp.groups.splice(at, 1)
}

/** Ends the threads of `mask` in group g. */
export function exitLanes(warp: Warp, g: Group, mask: number): void {
  warp.alive &= ~mask
  g.mask &= ~mask
  warp.cta.aliveThreads -= popcount(mask)
  leaveActivations(g.frame as Activation, mask, null)
  if (g.mask === 0) drop(warp, g)
}

/** Groups that looped much give way: their rank grows with every full round of turns. */
const rank = (g: Group, turns: Turns) => Math.floor((g.turns ?? 0) / turns.backEdges)

/** The group whose turn it is: lowest pc, but after many turns another; undefined when all wait. */
function choose(warp: Warp, turns: Turns): Group | undefined {
  let best: Group | undefined
  let bestRank = 0
  for (const g of warp.groups) {
    if (g.wait !== null) {
      if (!g.wait.ready()) continue
      g.wait = null
      g.retry = false
    }
    const own = rank(g, turns)
    if (best === undefined || own < bestRank || (own === bestRank && g.pc < best.pc)) { best = g; bestRank = own }
  }
  return best
}

/** Runs one warp for a quantum. Returns false if nothing of it could run. */
export function runWarp(warp: Warp, meter: Meter, turns: Turns): boolean {
  let ran = false
  let left = turns.quantum
  const compiles = warp.machine.options.compile
  while (left > 0 && warp.groups.length) {
    if (warp.groups.length > 1) merge(warp)
    const g = choose(warp, turns)
    if (g === undefined) return ran
    ran = true
    enter(warp, g)
    const before = left
    const fn = g.frame.fn as DecodedFunction
    if (compiles === 'eager' && fn.compiled === null) warm(fn, warp.machine, Infinity)
    const limit = warp.groups.length > 1 ? lowestOther(warp, g) : Infinity
    left = fn.run === undefined ? interpret(warp, g, left, limit, meter, turns) : fn.run(warp, g, left, limit)
    if (compiles === true && left >= 0 && fn.compiled === null) warm(fn, warp.machine, before - left)
    if (left < 0 || left === before) break
  }
  return ran
}

/** A RunGroup of the interpreter, for a compiler that leaves some groups to it. */
export const interpreter = (meter: Meter, turns: Turns): RunGroup => (warp, g, budget, limit) => interpret(warp, g, budget, limit, meter, turns)

/** The compiled form of a frame's function, where this machine has one. */
function compiledFor(machine: Machine, frame: Frame): CompiledFunction | null {
  const { compiled } = frame.fn as DecodedFunction
  return compiled !== null && compiled.machine === machine && machine.options.compile !== false ? compiled : null
}

/** See RunGroup (machine.ts). No allocation and no look-up by name in this loop: its cost is paid by every warp instruction. */
function interpret(warp: Warp, g: Group, budget: number, limit: number, meter: Meter, turns: Turns): number {
  const { frame } = g
  const { instructions } = frame.fn
  const { groups, machine } = warp
  const compiled = compiledFor(machine, frame)
  let lanes = popcount(g.mask)
  while (budget > 0) {
    if (compiled !== null && compiled.entry[g.pc] === 1 && warp.watched !== true) {
      const [before, turned] = [budget, g.turns]
      budget = compiled.enter(warp, g, budget, limit, groups.length > 1 ? turns.backEdges - (g.turns ?? 0) % turns.backEdges : Infinity, meter.max)
      if (budget !== before) {
        if (g.pc >= limit || (groups.length > 1 && g.turns !== turned && g.turns! % turns.backEdges === 0)) return budget
        continue
      }
    }
    const i = instructions[g.pc]
    if (i === undefined) { leaveFunction(warp, g); return budget - 1 }
    warp.current = i
    budget--
    machine.executed += lanes
    const mask = i.guard === null ? g.mask : guardMask(warp, i, g.mask)
    if (warp.watched === true) machine.sanitizer!.registersUsed(warp, i, mask)
    if (i.exec !== null) {
      if (mask !== 0) i.exec(warp, mask)
      if (++g.pc === limit) return budget
      continue
    }
    if (machine.executed > meter.max) meter.tooMany(warp)
    const { pc } = g
    const [count, all] = [groups.length, g.mask]
    const outcome = i.control!(warp, g, mask)
    switch (outcome) {
      case NEXT: break
      case WAIT: g.retry = false; return budget
      case RETRY: g.retry = true; return budget
      case YIELD: g.turns = (g.turns ?? 0) + turns.backEdges; return -1
      default: throw new Error(`${i.name}: outcome ${outcome}`)
    }
    // Ended, divided or left for another function: look again.
    if (groups.length !== count || g.frame !== frame || g.mask === 0) return budget
    if (g.mask !== all) lanes = popcount(g.mask)
    if (g.pc <= pc) { g.turns = (g.turns ?? 0) + 1; if (count > 1 && g.turns % turns.backEdges === 0) return budget }
    if (g.pc >= limit) return budget
  }
  // Straight code of any length ends here too.
  if (machine.executed > meter.max) meter.tooMany(warp)
  return budget
}

/** Falling off the end of a function returns from it. */
function leaveFunction(warp: Warp, g: Group): void {
  if (g.frame.parent === null) exitLanes(warp, g, g.mask)
  else returnLanes(warp, g, g.mask)
}

function lowestOther(warp: Warp, g: Group): number {
  let low = Infinity
  for (const other of warp.groups) if (other !== g && other.frame === g.frame && other.pc > g.pc && other.pc < low) low = other.pc
  return low
}

/** What nobody can get past, for a deadlock report. */
export function waits(ctas: readonly Cta[]): { warp: Warp; group: Group }[] {
  return ctas.flatMap((cta) => cta.warps.flatMap((warp) => warp.groups.filter((g) => g.wait !== null).map((group) => ({ warp, group }))))
}
