// Functions that compiled code calls for what is too long to stand in it: one small module for the whole process, without memory.
import { exp2Coefficients, mostExponent, roundingMagic } from '../numeric/exp2.ts'
import { Code, I32, I64, V128, op, simd, wasmModule, type ImportedFunction, type ValueType } from './wasm_encoder.ts'

const names = ['fmaExact', 'divS', 'divU', 'remS', 'remU', 'shl', 'shrS', 'shrU', 'shl64', 'shrS64', 'shrU64', 'clz', 'toHalf', 'fromHalf', 'ex2'] as const
export type SupportName = typeof names[number]

const arity: Readonly<Record<SupportName, number>> = { fmaExact: 3, divS: 2, divU: 2, remS: 2, remU: 2, shl: 2, shrS: 2, shrU: 2, shl64: 2, shrS64: 2, shrU64: 2, clz: 1, toHalf: 1, fromHalf: 1, ex2: 1 }
const V = (n: number): ValueType[] => Array.from({ length: n }, () => V128)

/** As a kernel's module imports them, from import `firstSupport` on. */
export const firstSupport = 1
export const supportImports: readonly ImportedFunction[] = names.map((name) => ({ name, params: V(arity[name]), results: [V128] }))
export const supportIndex = (name: SupportName): number => firstSupport + names.indexOf(name)

let exports: WebAssembly.Exports | undefined
/** The functions by name, made when first needed. */
export function supportFunctions(): WebAssembly.Exports {
  return (exports ??= new WebAssembly.Instance(new WebAssembly.Module(wasmModule([], names.map((name) => ({ name, code: bodies[name](), results: [V128] })), null) as BufferSource)).exports)
}

/** An old engine, or a page whose policy forbids WebAssembly, has the interpreter. */
export function hasSimd(): boolean {
  try { return supportFunctions() !== undefined } catch (error) {
    if (error instanceof WebAssembly.CompileError) return false
    throw error
  }
}

let fuses: boolean | undefined
/**
 * Whether `f32x4.relaxed_madd` is there and rounds once, which the engine decides by the processor: compiled code then has fma at
 * full speed. Asked once.
 */
export function fusesMultiplyAdd(): boolean {
  if (fuses !== undefined) return fuses
  const code = new Code(V(0))
  // a * b + c whose product needs more bits than f32 has, and one whose sum an f64 would round to a midpoint.
  const products = [[1 + 2 ** -12, 1 + 2 ** -12, -1, 2 ** -11 + 2 ** -24], [(1 + 2 ** -20) * 2 ** -75, (1 - 2 ** -20) * 2 ** -75, 2 ** -130 + 2 ** -149, 524289 * 2 ** -149]]
  for (const [a, b, c, r] of products) code.vConstF32(a).vConstF32(b).vConstF32(c).simd(simd.f32x4_relaxed_madd).vConstF32(r).simd(simd.f32x4_ne).simd(simd.any_true)
  code.op(op.i32_or).op(op.i32_eqz)
  const bytes = wasmModule([], [{ name: 'fuses', code, results: [I32] }], null)
  return (fuses = WebAssembly.validate(bytes as BufferSource) && (new WebAssembly.Instance(new WebAssembly.Module(bytes as BufferSource)).exports.fuses as () => number)() === 1)
}
/** For tests of both ways; undefined: ask again. */
export function assumeFusing(as: boolean | undefined): void { fuses = as }

/** Each word of the sources through scalar code: `body` finds them in locals x and y, and leaves the result. */
function perWord(sources: 1 | 2, body: (code: Code, x: number, y: number) => void): Code {
  const code = new Code(V(sources))
  const [x, y, r] = [code.local(I32), code.local(I32), code.local(V128)]
  for (let lane = 0; lane < 4; lane++) {
    code.get(0).extract32(lane).set(x)
    if (sources === 2) code.get(1).extract32(lane).set(y)
    code.get(r)
    body(code, x, y)
    code.replace32(lane).set(r)
  }
  return code.get(r)
}

/** A quotient by zero is all ones, the remainder the dividend; -1 is apart since the least number has no negative. */
function divide(signed: boolean, remainder: boolean): Code {
  return perWord(2, (code, x, y) => {
    code.get(y).op(op.i32_eqz).if(I32)
    if (remainder) code.get(x)
    else code.i32(-1)
    code.else()
    const plain = () => code.get(x).get(y).op(signed ? (remainder ? op.i32_rem_s : op.i32_div_s) : remainder ? op.i32_rem_u : op.i32_div_u)
    if (!signed || remainder) plain()
    else {
      code.get(y).i32(-1).op(op.i32_eq).if(I32)
      code.i32(0).get(x).op(op.i32_sub).else()
      plain()
      code.end()
    }
    code.end()
  })
}

/** Amounts beyond the width shift everything out. */
function shift(operation: number, arithmetic: boolean): Code {
  return perWord(2, (code, x, y) => {
    const most = () => code.get(y).i32(31).get(y).i32(31).op(op.i32_lt_u).op(op.select)
    if (arithmetic) { code.get(x); most(); code.op(operation); return }
    code.get(x).get(y).op(operation).i32(0).get(y).i32(32).op(op.i32_lt_u).op(op.select)
  })
}

/** Two longs by two amounts below 2 ** 32. */
function shiftLong(operation: number, arithmetic: boolean): Code {
  const code = new Code(V(2))
  const [n, r] = [code.local(I64), code.local(V128)]
  for (let lane = 0; lane < 2; lane++) {
    code.get(1).extract64(lane).set(n).get(r).get(0).extract64(lane)
    if (arithmetic) code.get(n).i64(63n).get(n).i64(63n).op(op.i64_lt_u).op(op.select).op(operation)
    else code.get(n).op(operation).i64(0n).get(n).i64(64n).op(op.i64_lt_u).op(op.select)
    code.replace64(lane).set(r)
  }
  return code.get(r)
}

/** One pair of doubles: the sum of a product and c rounded to odd, so that rounding to f32 afterwards is the only rounding. */
function sumToOdd(code: Code, p: number, c: number, sum: number, t: number): void {
  code.get(p).get(c).simd(simd.f64x2_add).tee(sum).get(p).simd(simd.f64x2_sub).set(t)
  // What the sum lost: (p - (sum - t)) + (c - t).
  code.get(p).get(sum).get(t).simd(simd.f64x2_sub).simd(simd.f64x2_sub).get(c).get(t).simd(simd.f64x2_sub).simd(simd.f64x2_add).set(t)
  // Inexact and even: one unit toward what was lost; away from zero adds to the pattern. A NaN loss (infinities) changes nothing.
  const away = () => code.get(t).vConst64(0n).simd(simd.f64x2_gt).get(sum).vConst64(0n).simd(simd.f64x2_gt).simd(simd.i64x2_eq)
  code.get(sum)
  code.vConst64(1n).vConst64(-1n)
  away()
  code.simd(simd.bitselect)
  code.get(t).get(t).simd(simd.f64x2_eq).get(t).vConst64(0n).simd(simd.f64x2_ne).simd(simd.and)
  code.get(sum).vConst64(1n).simd(simd.and).vConst64(0n).simd(simd.i64x2_eq).simd(simd.and)
  code.get(sum).vConst64(0n).simd(simd.f64x2_ne).simd(simd.and)
  code.simd(simd.and).simd(simd.i64x2_add)
}

const upper = [8, 9, 10, 11, 12, 13, 14, 15, 8, 9, 10, 11, 12, 13, 14, 15]
const joinLow = [0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23]
function fmaExact(): Code {
  const code = new Code(V(3))
  const [p, c, sum, t] = V(4).map((v) => code.local(v))
  for (const half of [0, 1]) {
    const wide = (local: number) => { code.get(local); if (half) code.shuffleSelf(upper); code.simd(simd.f64x2_promote_low_f32x4) }
    wide(0); wide(1)
    code.simd(simd.f64x2_mul).set(p)
    wide(2)
    code.set(c)
    sumToOdd(code, p, c, sum, t)
    code.simd(simd.f32x4_demote_f64x2_zero)
  }
  return code.shuffle(joinLow)
}

/** f32 to f16 bits, to nearest even. NaN gives 0x7fff. */
function toHalf(): Code {
  const code = new Code(V(1))
  const [a, tiny, normal] = V(3).map((v) => code.local(v))
  code.get(0).vConst32(0x7fffffff).simd(simd.and).set(a)
  // Below 2 ** -14: adding 0.5 leaves the rounded subnormal in the low bits.
  code.get(a).vConstF32(0.5).simd(simd.f32x4_add).vConst32(0x3f000000).simd(simd.i32x4_sub).set(tiny)
  code.get(a).get(a).i32(13).simd(simd.i32x4_shr_u).vConst32(1).simd(simd.and).simd(simd.i32x4_add).vConst32(0xc8000fff | 0).simd(simd.i32x4_add).i32(13).simd(simd.i32x4_shr_u).set(normal)
  code.get(tiny).get(normal).get(a).vConst32(0x38800000).simd(simd.i32x4_lt_u).simd(simd.bitselect).set(normal)
  code.vConst32(0x7c00).get(normal).get(a).vConst32(0x477fffff).simd(simd.i32x4_gt_u).simd(simd.bitselect)
  code.get(0).i32(16).simd(simd.i32x4_shr_u).vConst32(0x8000).simd(simd.and).simd(simd.or).set(normal)
  code.vConst32(0x7fff).get(normal).get(a).vConst32(0x7f800000).simd(simd.i32x4_gt_u).simd(simd.bitselect)
  return code
}

/** f16 bits to f32, exactly; a NaN's payload is shifted along. */
function fromHalf(): Code {
  const code = new Code(V(1))
  const r = code.local(V128)
  // The exponent's bias differs by 112, subnormals included.
  code.get(0).vConst32(0x7fff).simd(simd.and).i32(13).simd(simd.i32x4_shl).vConst32(0x77800000).simd(simd.f32x4_mul).set(r)
  code.get(r).get(0).vConst32(0x7fff).simd(simd.and).vConst32(0x7bff).simd(simd.i32x4_gt_u).vConst32(0x7f800000).simd(simd.and).simd(simd.or)
  return code.get(0).vConst32(0x8000).simd(simd.and).i32(16).simd(simd.i32x4_shl).simd(simd.or)
}

/** As numeric/exp2.ts has it, operation by operation. A NaN comes out as some NaN. */
function ex2(): Code {
  const code = new Code(V(1))
  const [x, n, r] = V(3).map((v) => code.local(v))
  for (const half of [0, 1]) {
    code.get(0)
    if (half) code.shuffleSelf(upper)
    code.simd(simd.f64x2_promote_low_f32x4).vConstF64(-mostExponent).simd(simd.f64x2_max).vConstF64(mostExponent).simd(simd.f64x2_min).tee(x)
    code.vConstF64(roundingMagic).simd(simd.f64x2_add).tee(n).vConstF64(roundingMagic).simd(simd.f64x2_sub).set(r)
    code.get(x).get(r).simd(simd.f64x2_sub).set(x)
    code.vConstF64(exp2Coefficients[0])
    for (const c of exp2Coefficients.slice(1)) code.get(x).simd(simd.f64x2_mul).vConstF64(c).simd(simd.f64x2_add)
    // The low bits of n + magic are the integer: with the bias they are the exponent of its power.
    code.get(n).vConst64(1023n).simd(simd.i64x2_add).i32(52).simd(simd.i64x2_shl).simd(simd.f64x2_mul).simd(simd.f32x4_demote_f64x2_zero)
  }
  return code.shuffle(joinLow)
}

const bodies: Readonly<Record<SupportName, () => Code>> = {
  fmaExact, toHalf, fromHalf, ex2,
  divS: () => divide(true, false), divU: () => divide(false, false), remS: () => divide(true, true), remU: () => divide(false, true),
  shl: () => shift(op.i32_shl, false), shrS: () => shift(op.i32_shr_s, true), shrU: () => shift(op.i32_shr_u, false),
  shl64: () => shiftLong(op.i64_shl, false), shrS64: () => shiftLong(op.i64_shr_s, true), shrU64: () => shiftLong(op.i64_shr_u, false),
  clz: () => perWord(1, (code, x) => { code.get(x).op(op.i32_clz) }),
}
