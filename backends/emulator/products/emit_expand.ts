// WebAssembly of `expand`: 16 bytes of elements become f32 numbers, 4 at a time. See products.ts.
import { Code, I32, op, simd, V128 } from '../codegen/wasm_encoder.ts'
import { perPiece, type ElementName } from './elements.ts'

/** Counts `local` up by `step` to the value of `bound`, which must be above it. */
export function countTo(code: Code, local: number, bound: (code: Code) => void, step: number, body: () => void): void {
  const top = code.loop()
  body()
  code.get(local).i32(step).op(op.i32_add).tee(local)
  bound(code)
  code.op(op.i32_lt_u).brIf(top).end()
}

const zero = (code: Code) => code.vConst32(0)
/** Bytes of x, and -1 for zeros: as a shuffle of (x, 0). */
function pick(code: Code, x: number, bytes: readonly number[]): void {
  code.get(x)
  zero(code)
  code.shuffle(bytes.map((b) => (b < 0 ? 16 : b)))
}
/** Four elements of `bytes` each, from element `first` on, into the high or low end of four words. */
function spread(code: Code, x: number, first: number, bytes: 1 | 2, high: boolean): void {
  const lanes: number[] = []
  for (let i = first; i < first + 4; i++) {
    const own = Array.from({ length: bytes }, (_, b) => i * bytes + b)
    const rest = new Array<number>(4 - bytes).fill(-1)
    lanes.push(...(high ? [...rest, ...own] : [...own, ...rest]))
  }
  pick(code, x, lanes)
}

/**
 * Floats with fewer exponent bits: sign, exponent and mantissa moved to where f32 has them, times a power of two. `word` holds the
 * element in its low bits. Exponents of all ones become those of f32; `nan` is the only pattern of e4m3 that is no number.
 */
function widen(code: Code, word: number, magnitude: number, left: number, signBit: number, scale: number, special: { from: number; bits: number }): void {
  code.get(word).vConst32((1 << signBit) - 1).simd(simd.and).i32(left).simd(simd.i32x4_shl).tee(magnitude)
  code.vConstF32(scale).simd(simd.f32x4_mul)
  code.get(magnitude).vConst32(special.from).simd(simd.i32x4_ge_s).vConst32(special.bits).simd(simd.and).simd(simd.or)
  code.get(word).vConst32(1 << signBit).simd(simd.and).i32(31 - signBit).simd(simd.i32x4_shl).simd(simd.or)
}

/** Leaves f32 elements 4 i .. 4 i + 3 of the piece in x on the stack. */
function four(code: Code, type: ElementName, x: number, i: number, word: number, magnitude: number): void {
  switch (type) {
    case 'bf16': spread(code, x, 4 * i, 2, true); return
    case 'tf32': code.get(x).vConst32(0xffffe000).simd(simd.and); return
    case 'f16': spread(code, x, 4 * i, 2, false); code.set(word); widen(code, word, magnitude, 13, 15, 2 ** 112, { from: 0x0f800000, bits: 0x7f800000 }); return
    case 'e5m2': spread(code, x, 4 * i, 1, false); code.set(word); widen(code, word, magnitude, 21, 7, 2 ** 112, { from: 0x0f800000, bits: 0x7f800000 }); return
    case 'e4m3': spread(code, x, 4 * i, 1, false); code.set(word); widen(code, word, magnitude, 20, 7, 2 ** 120, { from: 0x07f00000, bits: 0x7fc00000 }); return
    case 's8': spread(code, x, 4 * i, 1, true); code.i32(24).simd(simd.i32x4_shr_s); break
    case 'u8': spread(code, x, 4 * i, 1, false); break
    case 's4': case 'u4': {
      // A byte holds two, the low one first: both stand at the top of their words before they are shifted down.
      const [a, b] = [2 * i, 2 * i + 1]
      pick(code, x, [-1, -1, -1, a, -1, -1, -1, a, -1, -1, -1, b, -1, -1, -1, b])
      code.vConst32(16, 1, 16, 1).simd(simd.i32x4_mul).i32(28).simd(type === 's4' ? simd.i32x4_shr_s : simd.i32x4_shr_u)
      break
    }
  }
  code.simd(simd.f32x4_convert_i32x4_s)
}

/** (table, base, count, to) */
export function emitExpand(type: ElementName): Code {
  const code = new Code([I32, I32, I32, I32])
  const [table, base, count, to] = [0, 1, 2, 3]
  const [x, word, magnitude] = [code.local(V128), code.local(V128), code.local(V128)]
  const fours = perPiece(type) / 4
  code.get(table).get(count).i32(2).op(op.i32_shl).op(op.i32_add).set(count)
  countTo(code, table, (c) => c.get(count), 4, () => {
    code.get(table).i32Load().get(base).op(op.i32_add).vLoad().set(x)
    for (let i = 0; i < fours; i++) {
      code.get(to)
      four(code, type, x, i, word, magnitude)
      code.vStore(16 * i)
    }
    code.get(to).i32(16 * fours).op(op.i32_add).set(to)
  })
  return code
}
