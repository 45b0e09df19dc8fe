// Comparison: setp and set of all types (PTX ISA 9.7.5 to 9.7.7). Results are bits of a word, a lane each, so joining is logic.
import type { DecodeContext, Decoded, Statement } from '../decode.ts'
import type { Memory, Slot, Warp } from '../machine.ts'
import { decodeFloat, flushSubnormal, formats } from '../numeric/small_float.ts'
import { readPredicate, writePredicate } from '../slots.ts'
import { form, type Form, type Match } from './forms.ts'
import { narrow } from './lanes.ts'
import { less } from './longs.ts'

/** The lanes of `mask` for which the comparison holds. */
type Compare = (w: Warp, mask: number) => number
type Test = (x: number, y: number) => boolean

const ordered: Readonly<Record<string, Test>> = {
  eq: (x, y) => x === y, ne: (x, y) => x !== y, lt: (x, y) => x < y, le: (x, y) => x <= y, gt: (x, y) => x > y, ge: (x, y) => x >= y,
}
const unsignedNames: Readonly<Record<string, string>> = { lo: 'lt', ls: 'le', hi: 'gt', hs: 'ge' }
const number = (x: number, y: number) => x === x && y === y
/** Of floats: without u a NaN gives false (ne too), with u it gives true. */
const ofFloats: Readonly<Record<string, Test>> = {
  ...ordered, ne: (x, y) => x !== y && number(x, y), num: number, nan: (x, y) => !number(x, y),
  equ: (x, y) => x === y || !number(x, y), neu: (x, y) => x !== y, ltu: (x, y) => !(x >= y), leu: (x, y) => !(x > y), gtu: (x, y) => !(x <= y), geu: (x, y) => !(x < y),
}

function words(view: (m: Memory) => { readonly [n: number]: number }, shift: number, a: Slot, b: Slot, test: Test): Compare {
  return (w, mask) => {
    const values = view(w.machine.memory)
    const [x, y] = [(w.base + a) >> shift, (w.base + b) >> shift]
    let bits = 0
    for (let lane = 0, m = mask; m !== 0; lane++, m >>>= 1) if (m & 1 && test(values[x + lane], values[y + lane])) bits |= 1 << lane
    return bits
  }
}

function longs(a: Slot, b: Slot, name: string, signed: boolean): Compare {
  const turn = signed ? 0x80000000 : 0
  // a < b of both words at once, and equality; the other comparisons follow.
  return (w, mask) => {
    const { u32 } = w.machine.memory
    const [x, y] = [(w.base + a) >> 2, (w.base + b) >> 2]
    let [below, same] = [0, 0]
    for (let lane = 0, m = mask; m !== 0; lane++, m >>>= 1) {
      if (!(m & 1)) continue
      const [al, ah, bl, bh] = [u32[x + 2 * lane], u32[x + 2 * lane + 1], u32[y + 2 * lane], u32[y + 2 * lane + 1]]
      if (al === bl && ah === bh) same |= 1 << lane
      else if (less(al, (ah ^ turn) >>> 0, bl, (bh ^ turn) >>> 0)) below |= 1 << lane
    }
    switch (name) {
      case 'eq': return same
      case 'ne': return mask & ~same
      case 'lt': return below
      case 'le': return below | same
      case 'gt': return mask & ~below & ~same
      default: return mask & ~below
    }
  }
}

/** One half of 16-bit floats; `shift` 16 is the upper one of a pair. */
function halves(a: Slot, b: Slot, type: string, shift: number, ftz: boolean, test: Test): Compare {
  const f = type.startsWith('bf16') ? formats.bf16 : formats.f16
  const least = 2 ** (1 - f.bias)
  const value = (x: number) => { const v = decodeFloat((x >>> shift) & 0xffff, f); return ftz ? flushSubnormal(v, least) : v }
  return words((m) => m.u32, 2, a, b, (x, y) => test(value(x), value(y)))
}

function comparison(type: string, name: string, ftz: boolean, a: Slot, b: Slot, upper = false): Compare {
  if (type.includes('f16')) return halves(a, b, type, upper ? 16 : 0, ftz, ofFloats[name])
  if (type === 'f32') return words((m) => m.f32, 2, a, b, ftz ? (x, y) => ofFloats[name](flushSubnormal(x), flushSubnormal(y)) : ofFloats[name])
  if (type === 'f64') return words((m) => m.f64, 3, a, b, ofFloats[name])
  const signed = type[0] === 's' && unsignedNames[name] === undefined
  const own = unsignedNames[name] ?? name
  if (type.endsWith('64')) return longs(a, b, own, signed)
  const test = ordered[own]
  if (!type.endsWith('16')) return words(signed ? (m) => m.i32 : (m) => m.u32, 2, a, b, test)
  const widen = narrow[signed ? 's16' : 'u16']
  return words((m) => m.u32, 2, a, b, (x, y) => test(widen(x), widen(y)))
}

const joined = (m: Match, bits: number, other: number): number => (m.has('and') ? bits & other : m.has('or') ? bits | other : m.has('xor') ? bits ^ other : bits)
const joins = 'and|or|xor?'
const isJoined = (m: Match) => m.one('and', 'or', 'xor') !== undefined
const nameOf = (m: Match): string => m.one(...allNames)!

const onBits = 'eq|ne'
const onSigned = 'eq|ne|lt|le|gt|ge'
const onUnsigned = 'eq|ne|lt|le|gt|ge|lo|ls|hi|hs'
const onFloats = 'eq|ne|lt|le|gt|ge|equ|neu|ltu|leu|gtu|geu|num|nan'
const allNames = [...new Set([...onUnsigned.split('|'), ...onFloats.split('|')])]

function setp(m: Match, s: Statement, ctx: DecodeContext): Decoded {
  const type = m.type
  const pair = type.endsWith('x2')
  ctx.operands(isJoined(m) ? 4 : 3)
  const [p, q] = ctx.dstPair(s.operands[0], 'pred', 'pred')
  if (type.endsWith('f16') && q !== null) ctx.error(`setp of .${type} gives one predicate`, s.operands[0].at)
  const [a, b] = [ctx.src(s.operands[1], type), ctx.src(s.operands[2], type)]
  const c = isJoined(m) ? ctx.predicate(s.operands[3]) : null
  const first = comparison(type, nameOf(m), m.has('ftz'), a, b)
  const second = pair ? comparison(type, nameOf(m), m.has('ftz'), a, b, true) : null
  return {
    exec(w, mask) {
      const { memory } = w.machine
      const other = c === null ? 0 : readPredicate(memory, w.base, c)
      const bits = first(w, mask)
      const more = second === null ? ~bits : second(w, mask)
      writePredicate(memory, w.base + p, mask, joined(m, bits, other))
      if (q !== null) writePredicate(memory, w.base + q, mask, joined(m, more, other))
    },
  }
}

/** What set writes for true; false is 0. */
const trueOf = (type: string): number => ({ f32: 0x3f800000, f16: 0x3c00, bf16: 0x3f80, f16x2: 0x3c003c00, bf16x2: 0x3f803f80, u16: 0xffff, s16: 0xffff } as Record<string, number>)[type] ?? -1

function set(m: Match, s: Statement, ctx: DecodeContext): Decoded {
  const [to, type] = m.types
  ctx.operands(isJoined(m) ? 4 : 3)
  const [d, a, b] = [ctx.dst(s.operands[0], to), ctx.src(s.operands[1], type), ctx.src(s.operands[2], type)]
  const c = isJoined(m) ? ctx.predicate(s.operands[3]) : null
  const first = comparison(type, nameOf(m), m.has('ftz'), a, b)
  const upper = type.endsWith('x2') ? comparison(type, nameOf(m), m.has('ftz'), a, b, true) : null
  const yes = trueOf(to)
  return {
    exec(w, mask) {
      const { memory } = w.machine
      const other = c === null ? 0 : readPredicate(memory, w.base, c)
      const bits = joined(m, first(w, mask), other)
      const more = upper === null ? bits : joined(m, upper(w, mask), other)
      const { i32 } = memory
      const at = (w.base + d) >> 2
      for (let lane = 0, left = mask; left !== 0; lane++, left >>>= 1) {
        if (!(left & 1)) continue
        const [one, two] = [(bits >>> lane) & 1 ? yes : 0, (more >>> lane) & 1 ? yes : 0]
        i32[at + lane] = upper === null ? one : (one & 0xffff) | (two & 0xffff0000)
      }
    },
  }
}

const halfNeeds = { ptx: 4.2, sm: 53 }
const bfloatNeeds = { ptx: 7.8, sm: 90 }
export const setpForms: readonly Form[] = [
  form(`${onBits} ${joins} .b16|b32|b64`, setp),
  form(`${onUnsigned} ${joins} .u16|u32|u64`, setp),
  form(`${onSigned} ${joins} .s16|s32|s64`, setp),
  form(`${onFloats} ${joins} ftz? .f32`, setp),
  form(`${onFloats} ${joins} .f64`, setp),
  form(`${onFloats} ${joins} ftz? .f16|f16x2`, setp, halfNeeds),
  form(`${onFloats} ${joins} .bf16|bf16x2`, setp, bfloatNeeds),
]
const words32 = '.u32|s32|f32'
export const setForms: readonly Form[] = [
  form(`${onBits} ${joins} ${words32} .b16|b32|b64`, set),
  form(`${onUnsigned} ${joins} ${words32} .u16|u32|u64`, set),
  form(`${onSigned} ${joins} ${words32} .s16|s32|s64`, set),
  form(`${onFloats} ${joins} ftz? ${words32} .f32`, set),
  form(`${onFloats} ${joins} ${words32} .f64`, set),
  form(`${onBits} ${joins} .f16 .b16|b32|b64`, set, halfNeeds),
  form(`${onUnsigned} ${joins} .f16 .u16|u32|u64`, set, halfNeeds),
  form(`${onSigned} ${joins} .f16 .s16|s32|s64`, set, halfNeeds),
  form(`${onFloats} ${joins} ftz? .f16 .f16|f32`, set, halfNeeds),
  form(`${onFloats} ${joins} .f16 .f64`, set, halfNeeds),
  form(`${onBits} ${joins} .bf16 .b16|b32|b64`, set, bfloatNeeds),
  form(`${onUnsigned} ${joins} .bf16 .u16|u32|u64`, set, bfloatNeeds),
  form(`${onSigned} ${joins} .bf16 .s16|s32|s64`, set, bfloatNeeds),
  form(`${onFloats} ${joins} .bf16 .f16|f32|f64|bf16`, set, bfloatNeeds),
  form(`${onFloats} ${joins} ftz? .u16|s16|u32|s32 .f16`, set, { ptx: 6.5, sm: 53 }),
  form(`${onFloats} ${joins} .u16|s16|u32|s32 .bf16`, set, bfloatNeeds),
  form(`${onFloats} ${joins} ftz? .f16x2 .f16x2`, set, halfNeeds),
  form(`${onFloats} ${joins} ftz? .u32|s32 .f16x2`, set, { ptx: 6.5, sm: 53 }),
  form(`${onFloats} ${joins} .bf16x2|u32|s32 .bf16x2`, set, bfloatNeeds),
]
