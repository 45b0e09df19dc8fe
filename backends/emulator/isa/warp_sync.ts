// How .sync instructions wait: for the living lanes that their membermask names (PTX ISA 9.7.9.6, 9.7.13.2).
import type { DecodeContext, Decoded } from '../decode.ts'
import { lowestLane, showLanes } from '../diagnostics.ts'
import { NEXT, RETRY, type Group, type Slot, type Warp } from '../machine.ts'
import { split } from '../scheduler.ts'
import { past } from './skipped_lanes.ts'

/** Runs for lanes of one membermask, all of them here; `mask` are those that execute. */
export type Synchronised = (warp: Warp, mask: number) => void

/**
 * Lanes of one group may bring different masks (tiles of a warp): those of each mask wait for their own and run on their own.
 */
export function synchronised(memberSlot: Slot, run: Synchronised): Decoded {
  return {
    control(w: Warp, g: Group, mask: number) {
      if (mask === 0) { g.pc++; return NEXT }
      const { i32 } = w.machine.memory
      const at = (w.base + memberSlot) >> 2
      const members = i32[at + lowestLane(mask)]
      let same = 0
      for (let lane = 0, m = mask; m !== 0; lane++, m >>>= 1) if (m & 1 && i32[at + lane] === members) same |= 1 << lane
      if (same !== mask) return divided(w, g, mask, at, run)
      const missing = members & w.alive & ~g.mask
      if (missing !== 0) return wait(w, g, members, missing)
      if (w.machine.sanitizer !== null) reportSkipped(w, g, members)
      perform(w, mask, members, run)
      g.pc++
      return NEXT
    },
  }
}

function perform(w: Warp, mask: number, members: number, run: Synchronised): void {
  const { sanitizer } = w.machine
  // Lanes of this very mask that stand here but whose guard is false, and lanes that a mask leaves out.
  if (sanitizer !== null && mask !== members) {
    const strangers = mask & ~members
    if (strangers !== 0) sanitizer.report('barrier-divergence', w, lowestLane(strangers), null, `lanes ${showLanes(strangers)} execute it, which its membermask ${showLanes(members)} does not name`)
    const absent = members & w.alive & w.group.mask & ~mask
    if (absent !== 0) sanitizer.report('barrier-divergence', w, lowestLane(absent), null, `lanes ${showLanes(absent)} of the membermask ${showLanes(members)} do not execute it: their guard is false`)
  }
  run(w, mask)
  sanitizer?.warpSync(w, mask & members)
}

/** Lanes that were past the instruction when others began to wait for them here, by pc. */
const skippedAt = (w: Warp): Map<number, number> => {
  let own = w.state.get('sync skipped') as Map<number, number> | undefined
  if (!own) w.state.set('sync skipped', (own = new Map()))
  return own
}
function reportSkipped(w: Warp, g: Group, members: number): void {
  const skipped = skippedAt(w)
  const lanes = (skipped.get(g.pc) ?? 0) & members & ~w.alive
  skipped.delete(g.pc)
  if (lanes !== 0) w.machine.sanitizer!.report('barrier-divergence', w, lowestLane(g.mask), null, `lanes ${showLanes(lanes)} of the membermask ${showLanes(members)} went past it and ended without executing it`)
}

function wait(w: Warp, g: Group, members: number, missing: number): typeof RETRY {
  const pc = g.pc
  if (w.machine.sanitizer !== null) skippedAt(w).set(pc, (skippedAt(w).get(pc) ?? 0) | past(w, pc, missing))
  g.wait = {
    what: `${w.current.name}: lanes ${showLanes(missing)} missing`,
    alsoReport: 'barrier-divergence',
    ready: () => (members & w.alive & ~g.mask) === 0 || g.pc !== pc,
  }
  return RETRY
}

/** Several membermasks: those whose lanes are all here go on; the rest of the group waits. */
function divided(w: Warp, g: Group, mask: number, at: number, run: Synchronised): typeof NEXT | typeof RETRY {
  const { i32 } = w.machine.memory
  let through = g.mask & ~mask
  let [stuck, missing] = [0, 0]
  for (let left = mask; left !== 0;) {
    const members = i32[at + lowestLane(left)]
    let same = 0
    for (let lane = 0, m = left; m !== 0; lane++, m >>>= 1) if (m & 1 && i32[at + lane] === members) same |= 1 << lane
    left &= ~same
    const absent = members & w.alive & ~g.mask
    if (absent !== 0) { stuck |= same; missing |= absent; continue }
    perform(w, same, members, run)
    through |= same
  }
  if (stuck === 0) { g.pc++; return NEXT }
  if (through !== 0) split(w, g, through, g.pc + 1)
  // Any of those it misses may let one of the masks through.
  const [pc, alive] = [g.pc, w.alive]
  g.wait = { what: `${w.current.name}: lanes ${showLanes(missing)} missing`, alsoReport: 'barrier-divergence', ready: () => (missing & w.alive & ~g.mask) !== missing || w.alive !== alive || g.pc !== pc }
  return RETRY
}

/**
 * .sync, or without it the form of old PTX: lanes that happen to be together. From PTX 6.4 on, sm_70 and later lack that one.
 */
export function isSync(ctx: DecodeContext, opcode: string): boolean {
  if (ctx.modifiers.all.includes('sync')) return true
  if (ctx.sm >= 70 && ctx.ptxVersion[0] + ctx.ptxVersion[1] / 10 > 6.35) ctx.error(`${opcode} needs .sync on sm_70 and later from PTX 6.4 on`)
  return false
}
