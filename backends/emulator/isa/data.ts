// Moving and choosing (PTX ISA 9.7.7, 9.7.9): mov, selp, slct, set, setp.
import type { Operand } from '../ast.ts'
import type { DecodeContext, Decoded, Statement } from '../decode.ts'
import type { Exec, Memory, Slot } from '../machine.ts'
import { flushSubnormal } from '../numeric/small_float.ts'
import { readPredicate, writePredicate } from '../slots.ts'
import { typeBytes } from '../types_table.ts'
import { setForms, setpForms } from './compare.ts'
import { form, type FormDecoder, type Forms } from './forms.ts'

const values = '.b16|b32|b64|u16|u32|u64|s16|s32|s64|f32|f64'
const wordsOf = (type: string) => Math.max(1, typeBytes[type] / 4)

/** Copies whole slots of the lanes, `words` a lane. */
function copy(d: Slot, a: Slot, words: number): Exec {
  if (words === 1) {
    return (w, mask) => {
      const u = w.machine.memory.u32
      const [to, from] = [(w.base + d) >> 2, (w.base + a) >> 2]
      if (mask === -1) for (let lane = 0; lane < 32; lane++) u[to + lane] = u[from + lane]
      else for (let lane = 0, m = mask; m !== 0; lane++, m >>>= 1) if (m & 1) u[to + lane] = u[from + lane]
    }
  }
  return (w, mask) => {
    const u = w.machine.memory.u32
    const [to, from] = [(w.base + d) >> 2, (w.base + a) >> 2]
    if (mask === -1) for (let i = 0; i < 32 * words; i++) u[to + i] = u[from + i]
    else for (let lane = 0, m = mask; m !== 0; lane++, m >>>= 1) if (m & 1) for (let k = 0; k < words; k++) u[to + lane * words + k] = u[from + lane * words + k]
  }
}

/** {a, b, ...} <-> one register: little-endian pieces. */
function pieces(ctx: DecodeContext, type: string, whole: Operand, parts: Operand, packing: boolean): Decoded {
  const elements = parts.kind === 'vector' ? parts.elements : [parts]
  const wholeBytes = typeBytes[type]
  const each = wholeBytes / elements.length
  const name = ({ 1: 'b8', 2: 'b16', 4: 'b32', 8: 'b64' } as Record<number, string>)[each] ?? ctx.error(`mov.${type} of ${elements.length} elements`)
  if (type[0] !== 'b') ctx.error(`mov of a vector needs a .b type, not .${type}`)
  const one = packing ? ctx.dst(whole, type) : ctx.src(whole, type)
  const many = elements.map((o) => (packing ? ctx.src(o, name) : ctx.dst(o, name)))
  const stride = Math.max(4, each)
  const value = new Uint8Array(wholeBytes)
  return {
    exec(w: { machine: { memory: Memory }; base: number }, mask: number) {
      const bytes = w.machine.memory.u8
      for (let lane = 0, m = mask; m !== 0; lane++, m >>>= 1) {
        if (!(m & 1)) continue
        const at = w.base + one + lane * Math.max(4, wholeBytes)
        // The parts may be registers that the whole is too: all bytes are read before any is written.
        for (let i = 0; i < wholeBytes; i++) value[i] = packing ? bytes[w.base + many[Math.floor(i / each)] + lane * stride + i % each] : bytes[at + i]
        for (let i = 0; i < wholeBytes; i++) bytes[packing ? at + i : w.base + many[Math.floor(i / each)] + lane * stride + i % each] = value[i]
        if (!packing && each < 4) for (const slot of many) for (let i = each; i < 4; i++) bytes[w.base + slot + lane * 4 + i] = 0
        if (packing && wholeBytes < 4) for (let i = wholeBytes; i < 4; i++) bytes[at + i] = 0
      }
    },
  }
}

/** A vector register without a component stands for {x, y, ...}. */
const whole = (o: Operand): Operand => (o.kind === 'reg' && o.component === null && o.variable.vector > 1
  ? { kind: 'vector', at: o.at, elements: Array.from({ length: o.variable.vector }, (_, component) => ({ ...o, component })) } : o)

const mov: FormDecoder = ({ type }, s, ctx) => {
  ctx.operands(2)
  const [d, a] = s.operands.map(whole)
  if (a.kind === 'vector') return pieces(ctx, type, d, a, true)
  if (d.kind === 'vector') return pieces(ctx, type, a, d, false)
  return { exec: copy(ctx.dst(d, type), ctx.src(a, type), wordsOf(type)) }
}

const movPredicate: FormDecoder = (_m, s, ctx) => {
  ctx.operands(2)
  const [d, p] = [ctx.dst(s.operands[0], 'pred'), ctx.predicate(s.operands[1])]
  return { exec: (w, mask) => writePredicate(w.machine.memory, w.base + d, mask, readPredicate(w.machine.memory, w.base, p)) }
}

/** Whole vector registers, or %tid and its like. */
const movVector: FormDecoder = (m, s, ctx) => {
  ctx.operands(2)
  const count = m.has('v2') ? 2 : 4
  const to = ctx.dstVector(s.operands[0], m.type, count)
  const a = s.operands[1]
  const from = a.kind === 'special' ? to.map((_, component) => ctx.src({ ...a, component }, m.type)) : ctx.srcVector(a, m.type, count)
  const words = wordsOf(m.type)
  // Through scratch: {a, b} = {b, a} exchanges.
  const between = from.map(() => ctx.scratch(4 * words))
  const runs = [...from.map((slot, i) => copy(between[i], slot, words)), ...to.map((slot, i) => copy(slot, between[i], words))]
  return { exec: (w, mask) => { for (const run of runs) run(w, mask) } }
}

/** d = a where the lane's bit is set, else b. */
function choose(d: Slot, a: Slot, b: Slot, words: number, bitsOf: (w: Parameters<Exec>[0], mask: number) => number): Exec {
  const [yes, no] = [copy(d, a, words), copy(d, b, words)]
  return (w, mask) => {
    const chosen = bitsOf(w, mask) & mask
    // One of the sources may be the destination: the lanes are disjoint, so the order does not matter.
    if (chosen !== 0) yes(w, chosen)
    if (chosen !== mask) no(w, mask & ~chosen)
  }
}

const selp: FormDecoder = ({ type }, s, ctx) => {
  ctx.operands(4)
  const [d, a, b, p] = [ctx.dst(s.operands[0], type), ctx.src(s.operands[1], type), ctx.src(s.operands[2], type), ctx.predicate(s.operands[3])]
  return { exec: choose(d, a, b, wordsOf(type), (w) => readPredicate(w.machine.memory, w.base, p)) }
}

/** a where c >= 0, else b (also where c is NaN). */
const slct = (m: { types: readonly string[]; has(n: string): boolean }, s: Statement, ctx: DecodeContext): Decoded => {
  ctx.operands(4)
  const [type, by] = m.types
  const [d, a, b, c] = [ctx.dst(s.operands[0], type), ctx.src(s.operands[1], type), ctx.src(s.operands[2], type), ctx.src(s.operands[3], by)]
  const f = by === 's32' ? (x: number) => x : m.has('ftz') ? (x: number) => flushSubnormal(x) : (x: number) => x
  return {
    exec: choose(d, a, b, wordsOf(type), (w, mask) => {
      const words = by === 's32' ? w.machine.memory.i32 : w.machine.memory.f32
      const at = (w.base + c) >> 2
      let bits = 0
      for (let lane = 0, left = mask; left !== 0; lane++, left >>>= 1) if (left & 1 && f(words[at + lane]) >= 0) bits |= 1 << lane
      return bits
    }),
  }
}

export const data: Forms = {
  mov: [form(values, mov), form('.b128', mov, { ptx: 8.3, sm: 70 }), form('.pred', movPredicate), form(`v2|v4 ${values}`, movVector)],
  selp: [form(values, selp)],
  slct: [form(`${values} .s32`, slct), form(`ftz? ${values} .f32`, slct)],
  setp: setpForms,
  set: setForms,
}
