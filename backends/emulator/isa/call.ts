// call: a function by its name, parameters by value through each lane's local memory (PTX ISA 9.7.12.5, 7.1).
import type { Operand } from '../ast.ts'
import type { DecodeContext, Decoder, LocalPlace } from '../decode.ts'
import { NEXT, type Frame, type Slot, type Warp } from '../machine.ts'

/** An argument: bytes of a .param variable of the caller, or a register or constant. */
type Argument = { place: LocalPlace } | { slot: Slot; bytes: number }

function lanes(mask: number, f: (lane: number) => void): void { for (let lane = 0, m = mask; m !== 0; lane++, m >>>= 1) if (m & 1) f(lane) }

function copyLocal(w: Warp, mask: number, from: LocalPlace, to: LocalPlace): void {
  const { u8 } = w.machine.memory
  lanes(mask, (lane) => {
    const base = w.localBase + lane * w.localStride
    u8.copyWithin(base + to.at, base + from.at, base + from.at + Math.min(from.bytes, to.bytes))
  })
}

/** A register's slot keeps 4 or more bytes a lane. */
function copySlot(w: Warp, mask: number, base: number, slot: Slot, bytes: number, place: LocalPlace, toSlot: boolean): void {
  const { u8 } = w.machine.memory
  const stride = Math.max(4, bytes)
  lanes(mask, (lane) => {
    const own = base + slot + lane * stride
    const local = w.localBase + lane * w.localStride + place.at
    if (!toSlot) u8.copyWithin(local, own, own + bytes)
    else { u8.fill(0, own, own + stride); u8.copyWithin(own, local, local + bytes) }
  })
}

function argument(ctx: DecodeContext, o: Operand, to: LocalPlace, result: boolean): Argument {
  if (o.kind === 'symbol') return { place: ctx.localPlace(o.variable) }
  const bytes = o.kind === 'reg' ? ctx.registerBytes(o) : to.bytes
  const type = `b${bytes * 8}`
  return { slot: result ? ctx.dst(o, type) : ctx.src(o, type), bytes }
}

export const call: Decoder = (s, ctx) => {
  ctx.modifiers.flag('uni')
  const at = s.operands.findIndex((o) => o.kind !== 'list')
  const target = s.operands[at]
  if (!target) ctx.error('call needs the name of a function')
  const callee = ctx.callee(target)
  const list = (o: Operand | undefined) => (o?.kind === 'list' ? o.elements : [])
  const [results, args] = [at === 1 ? list(s.operands[0]) : [], list(s.operands[at + 1])]
  if (args.length !== callee.params.length || results.length !== callee.returns.length) {
    ctx.error(`call with ${args.length} arguments and ${results.length} results; the function has ${callee.params.length} and ${callee.returns.length}`)
  }
  const passed = args.map((o, i) => argument(ctx, o, callee.params[i], false))
  const returned = results.map((o, i) => argument(ctx, o, callee.returns[i], true))
  return {
    control(w, g, mask) {
      const back = g.pc + 1
      if (mask === 0) { g.pc = back; return NEXT }
      const fn = callee.load()
      const { memory } = w.machine
      const parent = g.frame
      for (let f: Frame | null = parent; f; f = f.parent) if (f.fn === fn) w.machine.fault('illegal-instruction', `${fn.name} calls itself: recursion is not emulated`, w)
      passed.forEach((a, i) => { if ('place' in a) copyLocal(w, mask, a.place, callee.params[i]); else copySlot(w, mask, parent.base, a.slot, a.bytes, callee.params[i], false) })
      const base = memory.reserve(Math.max(16, fn.frameBytes))
      let inside = mask
      const frame: Frame = {
        fn, base, parent, returnPc: back,
        onReturn(warp, leaving) {
          returned.forEach((a, i) => { if ('place' in a) copyLocal(warp, leaving, callee.returns[i], a.place); else copySlot(warp, leaving, parent.base, a.slot, a.bytes, callee.returns[i], true) })
          inside &= ~leaving
          // Lanes that exited inside the function never come back.
          if ((inside & warp.alive) === 0) memory.release(base)
        },
      }
      fn.fillConstants(w, base)
      const rest = g.mask & ~mask
      if (rest !== 0) w.groups.push({ pc: back, mask: rest, frame: parent, wait: null, turns: g.turns })
      g.mask = mask
      g.frame = frame
      g.pc = 0
      w.base = base
      w.frame = frame
      return NEXT
    },
  }
}
