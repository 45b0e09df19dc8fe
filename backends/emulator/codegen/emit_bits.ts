// Shifts, truth tables, bit fields and byte permutations (PTX ISA 9.7.8). Where amounts are constants, as compilers write them,
// they become plain SIMD; other amounts go lane by lane.
import type { Operand } from '../ast.ts'
import { cut, integerType, load, type Operands, type Planner, type Planners } from './plan.ts'
import type { Strip } from './strip.ts'
import { supportIndex } from './support.ts'
import { simd } from './wasm_encoder.ts'

/** An immediate as an unsigned word. */
const constant = (o: Operand): number | undefined => (o.kind === 'int' ? Number(BigInt.asUintN(32, o.value)) : undefined)
const is = (modifiers: readonly string[], ...all: string[]) => modifiers.length === all.length && all.every((m, i) => modifiers[i] === m)

const shift = (left: boolean): Planner => ({ modifiers }, o) => {
  const type = modifiers.length === 1 ? integerType(modifiers[0]) : undefined
  if (!type || !o.plain) return undefined
  const [d, a, b] = [o.slot(0), o.slot(1), o.slot(2)]
  const amount = constant(o.operand(2))
  const { signed, bits } = type
  const arithmetic = signed && !left
  if (amount === undefined) {
    if (bits < 64) {
      const call = supportIndex(left ? 'shl' : signed ? 'shrS' : 'shrU')
      return (s) => { load(s, a, type); s.get32(b); s.code.call(call); cut(s, type); s.set32(d) }
    }
    const call = supportIndex(left ? 'shl64' : signed ? 'shrS64' : 'shrU64')
    return (s) => { for (const h of [0, 1]) { s.get64(a, h); s.get32(b); s.code.simd(h ? simd.i64x2_extend_high_i32x4_u : simd.i64x2_extend_low_i32x4_u).call(call); s.set64(d, h) } }
  }
  const by = Math.min(amount, bits - 1)
  const gone = amount >= bits && !arithmetic
  if (bits === 64) {
    const operation = left ? simd.i64x2_shl : signed ? simd.i64x2_shr_s : simd.i64x2_shr_u
    return (s) => { for (const h of [0, 1]) { if (gone) s.code.vConst32(0); else { s.get64(a, h); s.code.i32(by).simd(operation) } s.set64(d, h) } }
  }
  const operation = left ? simd.i32x4_shl : signed ? simd.i32x4_shr_s : simd.i32x4_shr_u
  return (s) => { if (gone) s.code.vConst32(0); else { load(s, a, type); s.code.i32(by).simd(operation); cut(s, type) } s.set32(d) }
}

/** A function of a and b by four bits: of (a, b) = 11 the highest, 00 the lowest. */
function table2(s: Strip, table: number, a: number, b: number): void {
  const { code } = s
  const [x, y] = [() => s.get32(a), () => s.get32(b)]
  const inverted = () => code.simd(simd.not)
  switch (table) {
    case 0: code.vConst32(0); return
    case 15: code.vConst32(-1); return
    case 12: x(); return
    case 3: x(); inverted(); return
    case 10: y(); return
    case 5: y(); inverted(); return
    case 8: case 7: x(); y(); code.simd(simd.and); break
    case 14: case 1: x(); y(); code.simd(simd.or); break
    case 6: case 9: x(); y(); code.simd(simd.xor); break
    case 4: case 11: x(); y(); code.simd(simd.andnot); break
    default: y(); x(); code.simd(simd.andnot) // 2 and 13
  }
  if ([7, 1, 9, 11, 13].includes(table)) inverted()
}

/** Any logic of three inputs: where c is one the odd bits of the table say what of a and b, where it is zero the even ones. */
const lop3: Planner = ({ modifiers }, o) => {
  if (!is(modifiers, 'b32') || o.count !== 5) return undefined
  const table = constant(o.operand(4))
  if (table === undefined || ![0, 1, 2, 3].every((i) => o.isValue(o.operand(i)))) return undefined
  const [d, a, b, c] = [0, 1, 2, 3].map((i) => o.slot(i))
  const half = (odd: number) => [0, 1, 2, 3].reduce((t, k) => t | (((table >> (2 * k + odd)) & 1) << k), 0)
  const [one, zero] = [half(1), half(0)]
  return (s) => {
    table2(s, one, a, b)
    if (one !== zero) { table2(s, zero, a, b); s.get32(c); s.code.simd(simd.bitselect) }
    s.set32(d)
  }
}

/** Funnel shift by a constant: of {b, a} the upper word after a left one, the lower after a right one. */
const shf: Planner = ({ modifiers }, o) => {
  const [direction, mode, type] = modifiers
  if (modifiers.length !== 3 || type !== 'b32' || !o.plain) return undefined
  const amount = constant(o.operand(3))
  if (amount === undefined) return undefined
  const n = mode === 'clamp' ? Math.min(amount, 32) : amount & 31
  const [d, a, b] = [o.slot(0), o.slot(1), o.slot(2)]
  const left = direction === 'l'
  // The word that stays at 0, and the one that has moved in at 32.
  const [own, other] = left ? [b, a] : [a, b]
  if (n === 0 || n === 32) return (s) => { s.get32(n === 0 ? own : other); s.set32(d) }
  return (s) => {
    s.get32(own); s.code.i32(n).simd(left ? simd.i32x4_shl : simd.i32x4_shr_u)
    s.get32(other); s.code.i32(32 - n).simd(left ? simd.i32x4_shr_u : simd.i32x4_shl).simd(simd.or)
    s.set32(d)
  }
}

/** Position and length of a field, when both are constants. */
function fieldOf(o: Operands, at: number): { position: number; length: number } | undefined {
  const [p, n] = [constant(o.operand(at)), constant(o.operand(at + 1))]
  return p === undefined || n === undefined ? undefined : { position: p & 255, length: n & 255 }
}

/** Fields inside the word only: what runs past its top is the interpreter's. */
const bfe: Planner = ({ modifiers }, o) => {
  const type = modifiers.length === 1 ? integerType(modifiers[0], [32]) : undefined
  const f = type && o.plain ? fieldOf(o, 2) : undefined
  if (!type || !f || f.position + f.length > 32) return undefined
  const [d, a] = [o.slot(0), o.slot(1)]
  if (f.length === 0) return (s) => { s.code.vConst32(0); s.set32(d) }
  return (s) => {
    s.get32(a)
    s.code.i32(32 - f.position - f.length).simd(simd.i32x4_shl).i32(32 - f.length).simd(type.signed ? simd.i32x4_shr_s : simd.i32x4_shr_u)
    s.set32(d)
  }
}

const bfi: Planner = ({ modifiers }, o) => {
  const f = is(modifiers, 'b32') && o.plain ? fieldOf(o, 3) : undefined
  if (!f || f.position >= 32) return undefined
  const [d, a, b] = [o.slot(0), o.slot(1), o.slot(2)]
  const keep = Number(BigInt.asIntN(32, ((1n << BigInt(Math.min(f.length, 32))) - 1n) << BigInt(f.position)))
  return (s) => { s.get32(a); s.code.i32(f.position).simd(simd.i32x4_shl); s.get32(b); s.code.vConst32(keep).simd(simd.bitselect); s.set32(d) }
}

/** A constant selector of plain bytes is one shuffle. */
const prmt: Planner = ({ modifiers }, o) => {
  const selector = is(modifiers, 'b32') && o.plain ? constant(o.operand(3)) : undefined
  if (selector === undefined || selector & 0x8888) return undefined
  const [d, a, b] = [o.slot(0), o.slot(1), o.slot(2)]
  const picks = Array.from({ length: 16 }, (_, i) => {
    const pick = (selector >> (4 * (i & 3))) & 7
    return (i & ~3) + (pick & 3) + (pick & 4 ? 16 : 0)
  })
  return (s) => { s.get32(a); s.get32(b); s.code.shuffle(picks); s.set32(d) }
}

const count = (emit: (s: Strip) => void): Planner => ({ modifiers }, o) => {
  if (!is(modifiers, 'b32') || !o.plain) return undefined
  const [d, a] = [o.slot(0), o.slot(1)]
  return (s) => { s.get32(a); emit(s); s.set32(d) }
}

export const bitPlanners: Planners = {
  shl: shift(true),
  shr: shift(false),
  lop3, shf, bfe, bfi, prmt,
  popc: count((s) => s.code.simd(simd.i8x16_popcnt).simd(simd.i16x8_extadd_pairwise_i8x16_u).simd(simd.i32x4_extadd_pairwise_i16x8_u)),
  clz: count((s) => s.code.call(supportIndex('clz'))),
}
