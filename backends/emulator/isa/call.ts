// call: a function by name or by address, with parameters in .param space or in registers (PTX ISA 9.7.12.5, 7.1).
import type { Operand, Variable } from '../ast.ts'
import type { Decoded, DecodeContext, Decoder } from '../decode.ts'
import { lowestLane } from '../diagnostics.ts'
import { callFrame, type Activation } from '../frames.ts'
import type { DecodedFunction } from '../image.ts'
import { NEXT, type Group, type Slot, type Warp } from '../machine.ts'
import { split } from '../scheduler.ts'
import { writePredicate } from '../slots.ts'
import { forLanes } from './lanes.ts'
import { systemCalls, type SystemCall } from './system_calls.ts'

/** Where a value lies in one activation: in every lane's local memory, or in a register slot. */
type Place = { readonly local: number; readonly bytes: number } | { readonly slot: Slot; readonly bytes: number }

/** Linear byte offset of lane 0's value, and the step to the next lane's. */
function span(w: Warp, frame: Activation, p: Place): readonly [number, number] {
  if ('local' in p) return [w.localBase + frame.localBase + p.local, w.localStride]
  return [frame.base + p.slot, Math.max(4, p.bytes)]
}

function copy(w: Warp, mask: number, from: Activation, a: Place, to: Activation, b: Place): void {
  if (a.bytes === 0 || b.bytes === 0) { copyPredicate(w, mask, from, a, to, b); return }
  const { u8 } = w.machine.memory
  const [[source, sourceStep], [target, targetStep]] = [span(w, from, a), span(w, to, b)]
  const bytes = Math.min(a.bytes, b.bytes)
  for (let lane = 0, m = mask; m !== 0; lane++, m >>>= 1) {
    if (!(m & 1)) continue
    const at = target + lane * targetStep
    // A slot holds narrow values with zeros above them.
    if ('slot' in b) u8.fill(0, at, at + targetStep)
    u8.copyWithin(at, source + lane * sourceStep, source + lane * sourceStep + bytes)
  }
}

function copyPredicate(w: Warp, mask: number, from: Activation, a: Place, to: Activation, b: Place): void {
  if (!('slot' in a) || !('slot' in b)) return
  const { memory } = w.machine
  writePredicate(memory, to.base + b.slot, mask, memory.i32[(from.base + a.slot) >> 2])
}

const registerBytes = (v: Variable) => v.elementBytes / v.vector

/** A formal parameter or result inside its function. */
function formal(fn: DecodedFunction, v: Variable): Place {
  return v.space === 'reg' ? { slot: fn.layout.register(v, null), bytes: registerBytes(v) } : { local: fn.image.place(v, fn), bytes: v.bytes }
}

function actual(ctx: DecodeContext, o: Operand, v: Variable, isResult: boolean): Place {
  const own = ctx.function as DecodedFunction
  if (o.kind === 'symbol' && o.variable.space === 'param' && !ctx.isKernelParameter(o.variable)) {
    if (o.variable.bytes !== v.bytes) ctx.error(`${o.variable.name} has ${o.variable.bytes} bytes, parameter ${v.name} ${v.bytes}`, o.at)
    return { local: own.image.place(o.variable, own) + o.offset, bytes: v.bytes }
  }
  // As with st.param, a register may be of another type of its size.
  const type = v.type === 'pred' ? 'pred' : v.bytes === 16 ? 'b128' : `b${v.bytes * 8}`
  if (o.kind === 'float') return { slot: ctx.src(o, v.type), bytes: v.bytes }
  return { slot: isResult ? ctx.dst(o, type) : ctx.src(o, type), bytes: v.bytes }
}

interface Shape { readonly params: readonly Variable[]; readonly returns: readonly Variable[] }

/** The formal parameters that a call must fit: the function's, or those of the prototype or list of targets it names. */
function shapeOf(ctx: DecodeContext, target: Operand, last: Operand | undefined): Shape {
  const { image, ptx } = ctx.function as DecodedFunction
  if (target.kind === 'function') return image.ptx.functions.get(target.name)!
  if (target.kind !== 'reg') return ctx.error(target.kind === 'label' ? `there is no function ${target.name}` : 'call needs a function or a register with its address', target.at)
  if (last?.kind !== 'label') return ctx.error('a call through a register needs the name of a .callprototype or .calltargets', target.at)
  const prototype = ptx.body!.callPrototypes.get(last.name)
  if (prototype) return prototype
  const first = ptx.body!.callTargets.get(last.name)?.[0]
  const fn = first === undefined ? undefined : image.ptx.functions.get(first)
  return fn ?? ctx.error(`${last.name} is neither a .callprototype nor a .calltargets list`, last.at)
}

/** A function that the emulator itself has: lane by lane, without a frame. */
function systemCall(run: SystemCall, passed: readonly Place[], returned: readonly Place[], fn: DecodedFunction): Decoded {
  const at = (w: Warp, p: Place, lane: number) => { const [start, step] = span(w, w.frame as Activation, p); return start + lane * step }
  const read = (w: Warp, p: Place, lane: number): bigint => {
    const { data } = w.machine.memory
    return p.bytes === 8 ? data.getBigUint64(at(w, p, lane), true) : BigInt(data.getUint32(at(w, p, lane), true))
  }
  return {
    control(w, g, mask) {
      forLanes(mask, (lane) => {
        const result = run(w, lane, passed.map((p) => read(w, p, lane)), fn)
        const [to] = returned
        if (to?.bytes === 8) w.machine.memory.data.setBigUint64(at(w, to, lane), result, true)
        else if (to) w.machine.memory.data.setUint32(at(w, to, lane), Number(result & 0xffffffffn), true)
      })
      g.pc++
      return NEXT
    },
  }
}

export const call: Decoder = (s, ctx) => {
  ctx.modifiers.flag('uni')
  const at = s.operands.findIndex((o) => o.kind !== 'list')
  const target = s.operands[at] ?? ctx.error('call needs the name of a function')
  const rest = s.operands.slice(at + 1)
  const args = rest[0]?.kind === 'list' ? rest[0].elements : []
  const results = at === 1 && s.operands[0].kind === 'list' ? s.operands[0].elements : []
  const shape = shapeOf(ctx, target, rest.at(-1))
  if (args.length !== shape.params.length || results.length !== shape.returns.length) {
    ctx.error(`call with ${args.length} arguments and ${results.length} results; the function has ${shape.params.length} and ${shape.returns.length}`)
  }
  const passed = args.map((o, i) => actual(ctx, o, shape.params[i], false))
  const returned = results.map((o, i) => actual(ctx, o, shape.returns[i], true))
  const { image } = ctx.function as DecodedFunction

  /** Lanes of g, all of them, go into fn. */
  const go = (w: Warp, g: Group, fn: DecodedFunction, back: number) => {
    const caller = g.frame as Activation
    if (fn.ptx.params.length !== passed.length || fn.ptx.returns.length !== returned.length) {
      w.machine.fault('illegal-instruction', `${fn.name} has ${fn.ptx.params.length} parameters and ${fn.ptx.returns.length} results, the call ${passed.length} and ${returned.length}`, w, lowestLane(g.mask))
    }
    const frame = callFrame(w, caller, fn, g.mask, back, (warp, from, mask) => returned.forEach((p, i) => copy(warp, mask, from, formal(fn, fn.ptx.returns[i]), from.parent!, p)))
    passed.forEach((p, i) => copy(w, g.mask, caller, p, frame, formal(fn, fn.ptx.params[i])))
    g.frame = frame
    g.pc = 0
  }

  const system = target.kind === 'function' && image.ptx.functions.get(target.name)?.body === null ? systemCalls[target.name] : undefined
  if (system !== undefined) return systemCall(system, passed, returned, ctx.function as DecodedFunction)
  if (target.kind === 'function') {
    const load = ctx.functionNamed(target)
    return {
      control(w, g, mask) {
        const back = g.pc + 1
        if (mask === 0) { g.pc = back; return NEXT }
        // Those that the guard keeps out go on behind the call.
        if (mask !== g.mask) split(w, g, g.mask & ~mask, back)
        go(w, g, load() as DecodedFunction, back)
        return NEXT
      },
    }
  }
  const address = ctx.src(target, 'b64')
  return {
    control(w, g, mask) {
      const back = g.pc + 1
      if (mask === 0) { g.pc = back; return NEXT }
      const { u32 } = w.machine.memory
      const index = (w.base + address) >> 2
      for (let left = mask; left !== 0;) {
        const first = lowestLane(left)
        const [low, high] = [u32[index + 2 * first], u32[index + 2 * first + 1]]
        let same = 0
        for (let lane = first, m = left >>> first; m !== 0; lane++, m >>>= 1) if (m & 1 && u32[index + 2 * lane] === low && u32[index + 2 * lane + 1] === high) same |= 1 << lane
        const fn = high === 0 ? image.functionAt(low) : undefined
        if (!fn) w.machine.fault('illegal-instruction', `call of 0x${((BigInt(high) << 32n) | BigInt(low)).toString(16)}, which is no function`, w, first)
        if (same === g.mask) { go(w, g, fn!, back); return NEXT }
        go(w, split(w, g, same, g.pc), fn!, back)
        left &= ~same
      }
      // What stays are lanes that the guard keeps out.
      g.pc = back
      return NEXT
    },
  }
}
