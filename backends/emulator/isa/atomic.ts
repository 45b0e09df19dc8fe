// atom and red on 32- and 64-bit integers and f32, f64 (PTX ISA 9.7.13.15, 9.7.13.16). Lanes go in order; with a seed, rotated.
import type { Chapter, DecodeContext, Decoded, Decoder } from '../decode.ts'
import type { Access } from './addresses.ts'
import { linear, resolve, settle, spaceModifier } from './addresses.ts'
import type { Order, Scope } from '../machine.ts'
import { integerView, type View } from './lanes.ts'

type Value = number | bigint
/** old, b, c -> new; c is compare-and-swap's value. */
type Operation = (old: Value, b: Value, c: Value) => Value

const plain: Readonly<Record<string, Operation>> = {
  add: (a, b) => (typeof a === 'bigint' ? a + (b as bigint) : a + (b as number)),
  min: (a, b) => (b < a ? b : a),
  max: (a, b) => (b > a ? b : a),
  and: (a, b) => (typeof a === 'bigint' ? a & (b as bigint) : a & (b as number)),
  or: (a, b) => (typeof a === 'bigint' ? a | (b as bigint) : a | (b as number)),
  xor: (a, b) => (typeof a === 'bigint' ? a ^ (b as bigint) : a ^ (b as number)),
  exch: (_, b) => b,
  cas: (a, b, c) => (a === b ? c : a),
  // Counters that wrap at b (PTX ISA: inc gives 0 from b on, dec gives b at 0 and above b).
  inc: (a, b) => ((a as number) >= (b as number) ? 0 : (a as number) + 1),
  dec: (a, b) => (a === 0 || (a as number) > (b as number) ? b : (a as number) - 1),
}

const allowed: Readonly<Record<string, readonly string[]>> = {
  add: ['u32', 's32', 'u64', 'f32', 'f64'], min: ['u32', 's32', 'u64', 's64'], max: ['u32', 's32', 'u64', 's64'],
  and: ['b32', 'b64'], or: ['b32', 'b64'], xor: ['b32', 'b64'], exch: ['b32', 'b64'], cas: ['b32', 'b64'], inc: ['u32'], dec: ['u32'],
}

function atomic(s: Parameters<Decoder>[0], ctx: DecodeContext, returns: boolean): Decoded {
  const order: Order = ctx.modifiers.oneOf(['relaxed', 'acquire', 'release', 'acq_rel'] as const) ?? 'relaxed'
  const scope: Scope = ctx.modifiers.oneOf(['cta', 'cluster', 'gpu', 'sys'] as const) ?? 'gpu'
  const space = spaceModifier(ctx, ['global', 'shared', 'shared::cta', 'shared::cluster'])
  const name = ctx.modifiers.need(Object.keys(allowed) as (keyof typeof allowed & string)[], 'operation')
  if (!returns && (name === 'exch' || name === 'cas')) ctx.error(`red has no .${name}`)
  const next = ctx.modifiers.peek()
  if (next === 'noftz' || next === 'v2' || next === 'v4' || next === 'v8' || next === 'L2::cache_hint') ctx.error(`${s.opcode} with .${next} is not emulated yet`)
  const type = ctx.modifiers.need(allowed[name], 'type')
  const third = name === 'cas'
  ctx.operands((returns ? 3 : 2) + (third ? 1 : 0))
  const d = returns ? ctx.dst(s.operands[0], type) : null
  const rest = s.operands.slice(returns ? 1 : 0)
  const at = ctx.address(rest[0])
  const b = ctx.src(rest[1], type)
  const c = third ? ctx.src(rest[2], type) : b
  const v: View = type === 'f32' || type === 'f64' ? type : integerView(type)
  const bytes = Number(type.slice(1)) / 8
  const shift = bytes === 8 ? 3 : 2
  const access: Access = { space: settle(space, at, false), kind: 'atomic', bytes, order, scope }
  const operation = plain[name]
  return {
    touchesMemory: true,
    exec(w, mask) {
      const go = resolve(w, mask, at, access)
      const words = w.machine.memory[v] as unknown as { [n: number]: Value }
      const first = w.machine.options.seed === 0 ? 0 : Math.floor(w.machine.random() * 32)
      for (let k = 0; k < 32; k++) {
        const lane = (first + k) & 31
        if (!((go >>> lane) & 1)) continue
        const place = linear[lane] >>> shift
        const old = words[place]
        // A 64-bit view wraps a bigint that is too large; a 32-bit one a number.
        words[place] = operation(old, words[((w.base + b) >> shift) + lane], words[((w.base + c) >> shift) + lane])
        if (d !== null) words[((w.base + d) >> shift) + lane] = old
      }
    },
  }
}

export const atomicChapter: Chapter = { atom: (s, ctx) => atomic(s, ctx, true), red: (s, ctx) => atomic(s, ctx, false) }
