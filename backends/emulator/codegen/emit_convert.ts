// cvt among integers of all sizes, f32, f16 and bf16, to nearest even or to an integer (PTX ISA 9.7.9.21). Saturating, flushing and
// double forms are the interpreter's.
import { canonical } from './emit_float.ts'
import { integerType, load, lowWords, type Emit, type IntegerType, type Operands, type Planner, type Planners } from './plan.ts'
import type { Strip } from './strip.ts'
import { supportIndex } from './support.ts'
import { simd } from './wasm_encoder.ts'

const sizes = [8, 16, 32, 64]

/** Cuts a word to `bits`, then extends it by its sign or by zeros. */
function extend(s: Strip, { bits, signed }: IntegerType): void {
  if (bits >= 32) return
  if (signed) s.code.i32(32 - bits).simd(simd.i32x4_shl).i32(32 - bits).simd(simd.i32x4_shr_s)
  else s.code.vConst32(2 ** bits - 1).simd(simd.and)
}

/** Registers may be wider than the types: a result is extended to its register by its own sign. */
function integers(to: IntegerType, from: IntegerType, o: Operands): Emit | undefined {
  const [d, a] = [o.slot(0), o.slot(1)]
  const [wideTo, wideFrom] = [o.registerBytes(0) === 8 || to.bits === 64, o.registerBytes(1) === 8 || from.bits === 64]
  if (wideTo && wideFrom && (to.bits !== 64 || from.bits !== 64)) return undefined
  if (wideTo && wideFrom) return (s) => { for (const h of [0, 1]) { s.get64(a, h); s.set64(d, h) } }
  const word = (s: Strip) => {
    if (wideFrom) { s.get64(a, 0); s.get64(a, 1); s.code.shuffle(lowWords) } else s.get32(a)
    extend(s, from)
    if (to.bits < from.bits || (to.bits === from.bits && to.signed !== from.signed)) extend(s, to)
  }
  if (!wideTo) {
    const register = 8 * o.registerBytes(0)
    return (s) => { word(s); if (to.bits >= from.bits && to.bits < register) extend(s, to); if (register < 32) s.code.vConst32(2 ** register - 1).simd(simd.and); s.set32(d) }
  }
  const signed = to.bits === 64 ? from.signed : to.signed
  return (s) => s.withVectors(1, (t) => {
    word(s)
    if (to.bits >= from.bits) extend(s, to)
    s.code.set(t)
    for (const h of [0, 1]) {
      s.code.get(t).simd(signed ? (h ? simd.i64x2_extend_high_i32x4_s : simd.i64x2_extend_low_i32x4_s) : (h ? simd.i64x2_extend_high_i32x4_u : simd.i64x2_extend_low_i32x4_u))
      s.set64(d, h)
    }
  })
}

const integral: Readonly<Record<string, number>> = { rni: simd.f32x4_nearest, rzi: simd.f32x4_trunc, rmi: simd.f32x4_floor, rpi: simd.f32x4_ceil }

/** bf16 bits of the f32 on the stack, to nearest even. */
function toBrain(s: Strip): void {
  s.withVectors(1, (t) => {
    const { code } = s
    code.set(t).vConst32(0x7fff)
    code.get(t).get(t).i32(16).simd(simd.i32x4_shr_u).vConst32(1).simd(simd.and).simd(simd.i32x4_add).vConst32(0x7fff).simd(simd.i32x4_add).i32(16).simd(simd.i32x4_shr_u)
    code.get(t).get(t).simd(simd.f32x4_ne).simd(simd.bitselect)
  })
}
const toHalf = (s: Strip) => { s.code.call(supportIndex('toHalf')) }
const shorten: Readonly<Record<string, (s: Strip) => void>> = { bf16: toBrain, f16: toHalf }
const lengthen: Readonly<Record<string, (s: Strip) => void>> = {
  bf16: (s) => { s.code.i32(16).simd(simd.i32x4_shl) },
  f16: (s) => { s.code.call(supportIndex('fromHalf')) },
}

/** cvt.rn.bf16x2.f32 d, a, b: a goes to the upper half. */
function pair(s: Strip, short: (s: Strip) => void, d: number, a: number, b: number): void {
  s.get32(a); short(s); s.code.i32(16).simd(simd.i32x4_shl)
  s.get32(b); short(s); s.code.simd(simd.or)
  s.set32(d)
}

const cvt: Planner = ({ modifiers }, o) => {
  if (!o.plain) return undefined
  const rounding = modifiers.length === 3 ? modifiers[0] : undefined
  const [to, from] = modifiers.slice(-2)
  if (modifiers.length > 3 || modifiers.length < 2) return undefined
  const [intTo, intFrom] = [integerType(to, sizes), integerType(from, sizes)]
  if (intTo && intFrom) return rounding === undefined ? integers(intTo, intFrom, o) : undefined
  const [d, a] = [o.slot(0), o.slot(1)]
  if (o.registerBytes(0) > 4 || o.registerBytes(1) > 4) return undefined
  if (intFrom && to === 'f32' && intFrom.bits <= 32 && rounding === 'rn') {
    return (s) => { load(s, a, intFrom); s.code.simd(intFrom.signed || intFrom.bits < 32 ? simd.f32x4_convert_i32x4_s : simd.f32x4_convert_i32x4_u); s.set32(d) }
  }
  if (intTo && from === 'f32' && intTo.bits === 32 && rounding !== undefined && integral[rounding] !== undefined) {
    const operation = intTo.signed ? simd.i32x4_trunc_sat_f32x4_s : simd.i32x4_trunc_sat_f32x4_u
    return (s) => { s.get32(a); if (rounding !== 'rzi') s.code.simd(integral[rounding]); s.code.simd(operation); s.set32(d) }
  }
  if (from === 'f32' && rounding === 'rn') {
    if (to in shorten && o.count === 2 && o.registerBytes(0) <= 2) return (s) => { s.get32(a); shorten[to](s); s.set32(d) }
    const half = shorten[to.slice(0, -2)]
    if (to.endsWith('x2') && half && o.count === 3) return (s) => pair(s, half, d, a, o.slot(2))
  }
  if (to === 'f32' && from in lengthen && rounding === undefined && o.registerBytes(1) <= 2) return (s) => { s.get32(a); lengthen[from](s); canonical(s); s.set32(d) }
  return undefined
}

export const convertPlanners: Planners = { cvt }
