// Moving and choosing (PTX ISA 9.7.9): mov, selp, setp, cvt.
import type { Operand } from '../ast.ts'
import type { Chapter, DecodeContext } from '../decode.ts'
import type { Memory } from '../machine.ts'
import { integerRounding } from '../numeric/round.ts'
import { readPredicate, writePredicate } from '../slots.ts'
import { convertFloat, isFloatForm } from './convert_float.ts'
import { integerView, map1, narrow, widthMask, type View } from './lanes.ts'

const moved = ['b16', 'b32', 'b64', 'b128', 'u16', 'u32', 'u64', 's16', 's32', 's64', 'f32', 'f64', 'pred'] as const
const is64 = (type: string) => type.endsWith('64')

/** Copies whole slots of the lanes; 128-bit ones as two halves side by side. */
function copy(d: number, a: number, words: number) {
  return (w: { machine: { memory: Memory }; base: number }, mask: number) => {
    const u = w.machine.memory.u32
    const [to, from] = [(w.base + d) >> 2, (w.base + a) >> 2]
    for (let lane = 0, m = mask; m !== 0; lane++, m >>>= 1) if (m & 1) for (let k = 0; k < words; k++) u[to + lane * words + k] = u[from + lane * words + k]
  }
}

/** {a, b, ...} <-> one register: little-endian pieces. */
function pieces(ctx: DecodeContext, type: string, whole: Operand, parts: Operand, packing: boolean) {
  const elements = parts.kind === 'vector' ? parts.elements : [parts]
  const wholeBytes = type === 'b128' ? 16 : Number(type.slice(1)) / 8
  const each = wholeBytes / elements.length
  const name = ({ 1: 'b8', 2: 'b16', 4: 'b32', 8: 'b64' } as Record<number, string>)[each] ?? ctx.error(`mov.${type} of ${elements.length} elements`)
  const one = packing ? ctx.dst(whole, type) : ctx.src(whole, type)
  const many = elements.map((o) => (packing ? ctx.src(o, name) : ctx.dst(o, name)))
  const stride = Math.max(4, each)
  return {
    exec(w: { machine: { memory: Memory }; base: number }, mask: number) {
      const bytes = w.machine.memory.u8
      for (let lane = 0, m = mask; m !== 0; lane++, m >>>= 1) {
        if (!(m & 1)) continue
        const at = w.base + one + lane * Math.max(4, wholeBytes)
        // The parts may be registers that the whole is too: all bytes are read before any is written.
        const value = Array.from({ length: wholeBytes }, (_, i) => (packing ? bytes[w.base + many[Math.floor(i / each)] + lane * stride + i % each] : bytes[at + i]))
        value.forEach((b, i) => { bytes[packing ? at + i : w.base + many[Math.floor(i / each)] + lane * stride + i % each] = b })
        if (!packing && each < 4) for (const slot of many) for (let i = each; i < 4; i++) bytes[w.base + slot + lane * 4 + i] = 0
      }
    },
  }
}

const orders: Readonly<Record<string, (a: number | bigint, b: number | bigint) => boolean>> = {
  eq: (a, b) => a === b, ne: (a, b) => a !== b, lt: (a, b) => a < b, le: (a, b) => a <= b, gt: (a, b) => a > b, ge: (a, b) => a >= b,
  lo: (a, b) => a < b, ls: (a, b) => a <= b, hi: (a, b) => a > b, hs: (a, b) => a >= b,
}
const unordered: Readonly<Record<string, string>> = { equ: 'eq', neu: 'ne', ltu: 'lt', leu: 'le', gtu: 'gt', geu: 'ge' }
const joins: Readonly<Record<string, (a: boolean, b: boolean) => boolean>> = { and: (a, b) => a && b, or: (a, b) => a || b, xor: (a, b) => a !== b }

export const data: Chapter = {
  mov(s, ctx) {
    const type = ctx.modifiers.need(moved, 'type')
    ctx.operands(2)
    const [d, a] = s.operands
    if (a.kind === 'vector') return pieces(ctx, type, d, a, true)
    if (d.kind === 'vector') return pieces(ctx, type, a, d, false)
    if (type === 'pred') {
      const [to, from] = [ctx.dst(d, 'pred'), ctx.src(a, 'pred')]
      return { exec: (w, mask) => writePredicate(w.machine.memory, w.base + to, mask, w.machine.memory.i32[(w.base + from) >> 2]) }
    }
    return { exec: copy(ctx.dst(d, type), ctx.src(a, type), type === 'b128' ? 4 : is64(type) ? 2 : 1) }
  },
  selp(s, ctx) {
    const type = ctx.modifiers.need(moved, 'type')
    ctx.operands(4)
    const [d, a, b, p] = [ctx.dst(s.operands[0], type), ctx.src(s.operands[1], type), ctx.src(s.operands[2], type), ctx.predicate(s.operands[3])]
    const [yes, no] = [copy(d, a, is64(type) ? 2 : 1), copy(d, b, is64(type) ? 2 : 1)]
    return {
      exec(w, mask) {
        const chosen = readPredicate(w.machine.memory, w.base, p) & mask
        // One of the sources may be the destination: the lanes are disjoint, so the order does not matter.
        yes(w, chosen)
        no(w, mask & ~chosen)
      },
    }
  },
  setp(s, ctx) {
    const name = ctx.modifiers.need(['eq', 'ne', 'lt', 'le', 'gt', 'ge', 'lo', 'ls', 'hi', 'hs', 'equ', 'neu', 'ltu', 'leu', 'gtu', 'geu', 'num', 'nan'] as const, 'comparison')
    const join = ctx.modifiers.oneOf(['and', 'or', 'xor'] as const)
    if (ctx.modifiers.peek() === 'ftz') ctx.error('.ftz is not emulated yet')
    const type = ctx.modifiers.need(['b16', 'b32', 'b64', 'u16', 'u32', 'u64', 's16', 's32', 's64', 'f32', 'f64'] as const, 'type')
    ctx.operands(join ? 4 : 3)
    const [p, q] = ctx.dstPair(s.operands[0], 'pred', 'pred')
    const [a, b] = [ctx.src(s.operands[1], type), ctx.src(s.operands[2], type)]
    const c = join ? ctx.predicate(s.operands[3]) : null
    const v: View = type === 'f32' || type === 'f64' ? type : integerView(['lo', 'ls', 'hi', 'hs'].includes(name) ? `u${type.slice(1)}` : type)
    const shift = is64(type) ? 3 : 2
    const isFloat = type[0] === 'f'
    const widen = narrow[type] && type.endsWith('16') ? narrow[type] : undefined
    if (!isFloat && (unordered[name] || name === 'num' || name === 'nan')) ctx.error(`setp.${name} compares floats, not .${type}`)
    const order = orders[unordered[name] ?? name]
    const compare = (x: number | bigint, y: number | bigint): boolean => {
      const nan = x !== x || y !== y
      if (name === 'num') return !nan
      if (name === 'nan') return nan
      if (nan) return unordered[name] !== undefined
      return order(x, y)
    }
    return {
      exec(w, mask) {
        const memory = w.machine.memory
        const words = memory[v] as unknown as { [n: number]: number | bigint }
        const [x, y] = [(w.base + a) >> shift, (w.base + b) >> shift]
        const third = c ? readPredicate(memory, w.base, c) : 0
        let [yes, no] = [0, 0]
        for (let lane = 0, m = mask; m !== 0; lane++, m >>>= 1) {
          if (!(m & 1)) continue
          let result = widen ? compare(widen(words[x + lane] as number), widen(words[y + lane] as number)) : compare(words[x + lane], words[y + lane])
          let opposite = !result
          if (join) {
            const own = ((third >>> lane) & 1) === 1
            opposite = joins[join](!result, own)
            result = joins[join](result, own)
          }
          if (result) yes |= 1 << lane
          if (opposite) no |= 1 << lane
        }
        writePredicate(memory, w.base + p, mask, yes)
        if (q !== null) writePredicate(memory, w.base + q, mask, no)
      },
    }
  },
  cvt(s, ctx) {
    if (isFloatForm(ctx.modifiers.all)) return convertFloat['cvt float'](s, ctx)
    const rounding = ctx.modifiers.oneOf(['rn', 'rni', 'rzi', 'rmi', 'rpi'] as const)
    const types = ['u8', 'u16', 'u32', 'u64', 's8', 's16', 's32', 's64', 'f32', 'f64'] as const
    const later = ctx.modifiers.peek()
    if (later && !(types as readonly string[]).includes(later)) ctx.error(`${ctx.modifiers.all.join('.')}: cvt with .${later} is not emulated yet`)
    const to = ctx.modifiers.need(types, 'destination type')
    const from = ctx.modifiers.need(types, 'source type')
    ctx.operands(2)
    const [d, a] = [ctx.dst(s.operands[0], to, { wide: true }), ctx.src(s.operands[1], from, { wide: true })]
    const [toFloat, fromFloat] = [to[0] === 'f', from[0] === 'f']
    if (!fromFloat && !toFloat) return { exec: integerToInteger(d, to, ctx.registerBytes(s.operands[0]), a, from, ctx.registerBytes(s.operands[1])) }
    if (fromFloat && toFloat) {
      const round = rounding && rounding !== 'rn' ? integerRounding[rounding] : (x: number) => x
      return { exec: map1(d, to as 'f32', a, from as 'f32', round) }
    }
    if (toFloat) {
      if (rounding !== 'rn') ctx.error('cvt from an integer to a float needs .rn')
      const v = integerView(from)
      if (v === 'i64' || v === 'u64') return { exec: map1(d, to as 'f32', a, v, (x) => longToFloat(x, to)) }
      return { exec: map1(d, to as 'f32', a, 'i32', narrow[from]) }
    }
    if (!rounding || rounding === 'rn') ctx.error('cvt from a float to an integer needs .rni, .rzi, .rmi or .rpi')
    return { exec: floatToInteger(d, to, a, from as 'f32', integerRounding[rounding!]) }
  },
}

function integerToInteger(d: number, to: string, toBytes: number, a: number, from: string, fromBytes: number) {
  const source: View = fromBytes === 8 || from.endsWith('64') ? 'u64' : 'u32'
  const size = BigInt(from.slice(1))
  const value = (x: number | bigint): bigint => (from[0] === 's' ? BigInt.asIntN(Number(size), BigInt(x)) : BigInt.asUintN(Number(size), BigInt(x)))
  const own = Number(to.slice(1))
  const cut = (x: bigint): bigint => (to[0] === 's' ? BigInt.asIntN(own, x) : BigInt.asUintN(own, x))
  if (toBytes === 8 || own === 64) return map1(d, 'u64', a, source as 'u64', (x) => BigInt.asUintN(64, cut(value(x))))
  const m = toBytes >= 4 ? 32 : toBytes * 8
  return map1(d, 'u32', a, source as 'u64', (x) => Number(BigInt.asUintN(m, cut(value(x)))))
}

/** 64-bit integers round once: through the top bits when f64 cannot hold them. */
function longToFloat(x: bigint, to: string): number {
  if (to === 'f64') return Number(x)
  const magnitude = x < 0n ? -x : x
  // Sticky: what lies below 40 significant bits only says "more than".
  let [top, scale] = [magnitude, 1]
  while (top >= 1n << 52n) { top = (top >> 1n) | (top & 1n); scale *= 2 }
  return Math.fround(Number(top) * scale) * (x < 0n ? -1 : 1)
}

/** Saturates; NaN gives 0, but the top bit for 64-bit results and f64 sources. */
function floatToInteger(d: number, to: string, a: number, from: 'f32' | 'f64', round: (x: number) => number) {
  const size = Number(to.slice(1))
  const signed = to[0] === 's'
  const [low, high] = signed ? [-(2 ** (size - 1)), 2 ** (size - 1) - 1] : [0, 2 ** size - 1]
  if (size === 64) {
    const [least, most] = signed ? [-(1n << 63n), (1n << 63n) - 1n] : [0n, (1n << 64n) - 1n]
    return map1(d, 'u64', a, from, (x) => {
      if (x !== x) return 1n << 63n
      const r = round(x)
      return BigInt.asUintN(64, r <= Number(least) ? least : r >= Number(most) ? most : BigInt(r))
    })
  }
  const m = widthMask[to]
  return map1(d, 'i32', a, from, (x) => (x !== x ? (from === 'f64' && size === 32 ? 0x80000000 : 0) : Math.min(high, Math.max(low, round(x)))) & m)
}
