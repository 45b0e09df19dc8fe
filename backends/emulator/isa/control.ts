// Branches, exits and returns (PTX ISA 9.7.12), and what stops or delays a thread (9.7.19).
import type { Chapter } from '../decode.ts'
import { lowestLane } from '../diagnostics.ts'
import { returnLanes } from '../frames.ts'
import { NEXT, YIELD, type Group, type Warp } from '../machine.ts'
import { drop, exitLanes, split } from '../scheduler.ts'
import { call } from './call.ts'

/** Sends the lanes of `mask` to `target`; the rest of the group goes on behind. */
function jump(warp: Warp, g: Group, mask: number, target: number): void {
  if (mask === g.mask) { g.pc = target; return }
  if (mask !== 0) split(warp, g, mask, target)
  g.pc++
}

export const control: Chapter = {
  bra(s, ctx) {
    // .uni promises that no lanes divide; a guard that breaks the promise divides them all the same.
    ctx.modifiers.flag('uni')
    ctx.operands(1)
    const target = ctx.label(s.operands[0])
    return { control: (w, g, mask) => { jump(w, g, mask, target); return NEXT } }
  },
  'brx.idx'(s, ctx) {
    ctx.modifiers.flag('idx')
    ctx.modifiers.flag('uni')
    ctx.operands(2)
    const index = ctx.src(s.operands[0], 'u32')
    const table = ctx.branchTable(s.operands[1])
    return {
      targets: table,
      control(w, g, mask) {
        const words = w.machine.memory.u32
        const at = (w.base + index) >> 2
        for (let left = mask; left !== 0;) {
          const first = lowestLane(left)
          const value = words[at + first]
          let same = 0
          for (let lane = first, m = left >>> first; m !== 0; lane++, m >>>= 1) if (m & 1 && words[at + lane] === value) same |= 1 << lane
          if (value >= table.length) w.machine.fault('illegal-instruction', `index ${value} of a branch table with ${table.length} targets`, w, first)
          if (same === g.mask) { g.pc = table[value]; return NEXT }
          split(w, g, same, table[value])
          left &= ~same
        }
        g.pc++
        if (g.mask === 0) drop(w, g)
        return NEXT
      },
    }
  },
  exit(_, ctx) {
    ctx.operands(0)
    return { control: (w, g, mask) => { exitLanes(w, g, mask); g.pc++; return NEXT } }
  },
  ret(_, ctx) {
    ctx.modifiers.flag('uni')
    ctx.operands(0)
    return {
      control(w, g, mask) {
        if (g.frame.parent === null) { exitLanes(w, g, mask); g.pc++; return NEXT }
        if (mask === g.mask) { returnLanes(w, g, mask); return NEXT }
        if (mask !== 0) returnLanes(w, g, mask)
        g.pc++
        return NEXT
      },
    }
  },
  call,
  trap(_, ctx) {
    ctx.operands(0)
    return { control: (w, g, mask) => (mask === 0 ? (g.pc++, NEXT) : w.machine.fault('trap', 'trap', w, lowestLane(mask))) }
  },
  brkpt(_, ctx) {
    // Without a debugger a breakpoint ends the kernel as trap does.
    ctx.operands(0)
    return { control: (w, g, mask) => (mask === 0 ? (g.pc++, NEXT) : w.machine.fault('trap', 'breakpoint', w, lowestLane(mask))) }
  },
  pmevent(s, ctx) {
    const masked = ctx.modifiers.flag('mask')
    ctx.operands(1)
    const event = ctx.constant(s.operands[0], 'the event')
    if (event < 0 || event > (masked ? 65535 : 15)) ctx.error(`pmevent ${event} must be 0 to ${masked ? 65535 : 15}`)
    return { exec: () => { /* nobody counts events */ } }
  },
  nanosleep(s, ctx) {
    if (ctx.sm < 70) ctx.error('nanosleep needs sm_70')
    ctx.modifiers.need(['u32'], 'type')
    ctx.operands(1)
    ctx.src(s.operands[0], 'u32')
    return { control: (_w, g, mask) => { g.pc++; return mask === 0 ? NEXT : YIELD } }
  },
}
