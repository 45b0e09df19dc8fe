// Branches, exits and returns (PTX ISA 9.7.12).
import type { Chapter } from '../decode.ts'
import { call } from './call.ts'
import { NEXT, YIELD, type Group, type Warp } from '../machine.ts'
import { exitLanes, leaveFrame } from '../scheduler.ts'

/** Sends the lanes of `mask` to `target`; the rest of the group goes on behind. */
function jump(warp: Warp, g: Group, mask: number, target: number): void {
  const rest = g.mask & ~mask
  if (mask === 0) { g.pc++; return }
  if (rest === 0) { g.pc = target; return }
  warp.groups.push({ pc: target, mask, frame: g.frame, wait: null, turns: g.turns })
  g.mask = rest
  g.pc++
}

export const control: Chapter = {
  bra(s, ctx) {
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
        const rest = g.mask & ~mask
        for (let left = mask; left !== 0;) {
          const value = words[at + (31 - Math.clz32(left & -left))]
          let same = 0
          for (let lane = 0; lane < 32; lane++) if ((left >>> lane) & 1 && words[at + lane] === value) same |= 1 << lane
          if (value >= table.length) w.machine.fault('illegal-instruction', `index ${value} of a branch table with ${table.length} targets`, w)
          w.groups.push({ pc: table[value], mask: same, frame: g.frame, wait: null, turns: g.turns })
          left &= ~same
        }
        g.mask = rest
        g.pc++
        if (rest === 0) w.groups.splice(w.groups.indexOf(g), 1)
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
        if (mask === g.mask) { leaveFrame(w, g); return NEXT }
        if (mask !== 0) {
          g.frame.onReturn?.(w, mask)
          w.groups.push({ pc: g.frame.returnPc, mask, frame: g.frame.parent, wait: null })
          g.mask &= ~mask
        }
        g.pc++
        return NEXT
      },
    }
  },
  trap(_, ctx) {
    ctx.operands(0)
    return { control: (w, g, mask) => (mask === 0 ? (g.pc++, NEXT) : w.machine.fault('trap', 'trap', w, 31 - Math.clz32(mask & -mask))) }
  },
  nanosleep(s, ctx) {
    ctx.modifiers.need(['u32'], 'type')
    ctx.operands(1)
    ctx.src(s.operands[0], 'u32')
    return { control: (_w, g) => { g.pc++; return YIELD } }
  },
  call,
}
