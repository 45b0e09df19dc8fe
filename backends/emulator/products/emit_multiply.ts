// WebAssembly of `multiply`: rows r and r + 8 of A by 16 columns (or the last 8) of B at a time, sums in 8 (or 4) vector registers.
// See products.ts for the order of sums and what accumulator registers hold.
import { Code, I32, op, simd, V128 } from '../codegen/wasm_encoder.ts'
import { countTo } from './emit_expand.ts'
import { adds, saturates, type Accumulator } from './products.ts'

const [A, K, B, N, BASE, C, D, FLAGS] = [0, 1, 2, 3, 4, 5, 6, 7]
const unroll = 4

class Multiply {
  readonly code = new Code([I32, I32, I32, I32, I32, I32, I32, I32])
  private readonly locals = new Map<string, number>()
  constructor(private readonly kind: Accumulator) {}

  private i32(name: string): number { return this.named(name, I32) }
  private v(name: string): number { return this.named(name, V128) }
  private named(name: string, type: typeof I32 | typeof V128): number {
    let local = this.locals.get(name)
    if (local === undefined) this.locals.set(name, (local = this.code.local(type)))
    return local
  }

  build(): Code {
    const { code } = this
    const [rowBytes, columnBytes, left] = [this.i32('rowBytes'), this.i32('columnBytes'), this.i32('left')]
    code.get(K).i32(2).op(op.i32_shl).set(rowBytes)
    code.get(N).i32(2).op(op.i32_shl).set(columnBytes)
    code.get(N).set(left)
    const done = code.block()
    const wide = code.block()
    const top = code.loop()
    code.get(left).i32(16).op(op.i32_lt_u).brIf(wide)
    this.columns(16)
    code.br(top)
    code.end().end()
    code.get(left).op(op.i32_eqz).brIf(done)
    this.columns(8)
    return code.end()
  }

  /** One block of columns for all 16 rows; moves on in B and in the tables of registers. */
  private columns(width: 8 | 16): void {
    const { code } = this
    const registers = (this.kind === 'f16' ? 2 : 4) * (width / 8)
    const [row, a, left] = [this.i32('row'), this.i32('a'), this.i32('left')]
    const place = (table: number, name: string) => { for (let i = 0; i < registers; i++) code.get(table).i32Load(4 * i).get(BASE).op(op.i32_add).set(this.i32(`${name}${i}`)) }
    place(D, 'd')
    code.get(FLAGS).i32(adds).op(op.i32_and).if()
    place(C, 'c')
    code.end()
    code.get(A).set(a).i32(0).set(row)
    countTo(code, row, (c) => c.i32(8), 1, () => {
      this.sums(width)
      // C of a row is read whole before D is written: they may be the same registers in another order.
      code.get(FLAGS).i32(adds).op(op.i32_and).if()
      this.each(width, (r, sums) => this.add(r, sums))
      code.else()
      this.each(width, (_, [sum]) => this.toInteger(sum))
      code.end()
      this.each(width, (r, sums) => this.store(r, sums))
      for (let i = 0; i < registers; i++) code.get(this.i32(`d${i}`)).i32(16).op(op.i32_add).set(this.i32(`d${i}`))
      for (let i = 0; i < registers; i++) code.get(this.i32(`c${i}`)).i32(16).op(op.i32_add).set(this.i32(`c${i}`))
      code.get(a).get(this.i32('rowBytes')).op(op.i32_add).set(a)
    })
    code.get(B).i32(4 * width).op(op.i32_add).set(B)
    for (const table of [C, D]) code.get(table).i32(4 * registers).op(op.i32_add).set(table)
    code.get(left).i32(width).op(op.i32_sub).set(left)
  }

  private sum(half: number, v: number): number { return this.v(`s${half}${v}`) }

  /** Sums of rows a and a + 8 over all k: `width` / 4 vectors each. */
  private sums(width: 8 | 16): void {
    const { code } = this
    const vectors = width / 4
    const [a, a8, b, end] = [this.i32('ka'), this.i32('ka8'), this.i32('kb'), this.i32('kEnd')]
    code.get(this.i32('a')).tee(a).get(this.i32('rowBytes')).i32(3).op(op.i32_shl).op(op.i32_add).set(a8)
    code.get(a).get(this.i32('rowBytes')).op(op.i32_add).set(end)
    code.get(B).set(b)
    for (let half = 0; half < 2; half++) for (let v = 0; v < vectors; v++) code.vConst32(0).set(this.sum(half, v))
    countTo(code, a, (c) => c.get(end), 4 * unroll, () => {
      for (let k = 0; k < unroll; k++) {
        for (let v = 0; v < vectors; v++) code.get(b).vLoad(16 * v).set(this.v(`b${v}`))
        for (const [half, at] of [[0, a], [1, a8]] as const) {
          code.get(at).vLoadSplat32(4 * k).set(this.v('x'))
          for (let v = 0; v < vectors; v++) code.get(this.sum(half, v)).get(this.v('x')).get(this.v(`b${v}`)).simd(simd.f32x4_mul).simd(simd.f32x4_add).set(this.sum(half, v))
        }
        code.get(b).get(this.i32('columnBytes')).op(op.i32_add).set(b)
      }
      code.get(a8).i32(4 * unroll).op(op.i32_add).set(a8)
    })
  }

  /** Registers of one row of each half, with the sums that they hold: one, or the even and the odd columns of packed halves. */
  private each(width: 8 | 16, visit: (r: number, sums: readonly number[]) => void): void {
    for (let half = 0; half < 2; half++) for (let j = 0; j < width / 8; j++) {
      const [even, odd] = [this.sum(half, 2 * j), this.sum(half, 2 * j + 1)]
      if (this.kind === 'f16') visit(2 * j + half, [even, odd])
      else { visit(4 * j + 2 * half, [even]); visit(4 * j + 2 * half + 1, [odd]) }
    }
  }

  /** Sums of integers leave f32 here. */
  private toInteger(sum: number): void { if (this.kind === 's32') this.code.get(sum).simd(simd.i32x4_trunc_sat_f32x4_s).set(sum) }

  private add(r: number, sums: readonly number[]): void {
    const { code } = this
    code.get(this.i32(`c${r}`)).vLoad()
    if (this.kind === 'f32') { code.get(sums[0]).simd(simd.f32x4_add).set(sums[0]); return }
    const c = this.v('b0')
    code.set(c)
    if (this.kind === 's32') { this.addInteger(sums[0], c); return }
    sums.forEach((sum, odd) => {
      code.get(sum)
      this.fromHalf(c, 16 * odd)
      code.simd(simd.f32x4_add).set(sum)
    })
  }

  private addInteger(sum: number, c: number): void {
    const { code } = this
    const total = this.v('b1')
    this.toInteger(sum)
    code.get(sum).get(c).simd(simd.i32x4_add).set(total)
    code.get(FLAGS).i32(saturates).op(op.i32_and).if()
    // Where both have the sign that the total has not: the largest or smallest number of their sign.
    code.get(c).i32(31).simd(simd.i32x4_shr_s).vConst32(0x7fffffff).simd(simd.xor).get(total)
    code.get(c).get(total).simd(simd.xor).get(sum).get(total).simd(simd.xor).simd(simd.and).i32(31).simd(simd.i32x4_shr_s)
    code.simd(simd.bitselect).set(total)
    code.end()
    code.get(total).set(sum)
  }

  private store(r: number, sums: readonly number[]): void {
    const { code } = this
    code.get(this.i32(`d${r}`))
    if (this.kind === 'f16') {
      this.toHalf(sums[0])
      this.toHalf(sums[1])
      code.i32(16).simd(simd.i32x4_shl).simd(simd.or)
    } else if (this.kind === 'f32') code.get(sums[0]).vConst32(0x7fffffff).get(sums[0]).get(sums[0]).simd(simd.f32x4_eq).simd(simd.bitselect)
    else code.get(sums[0])
    code.vStore()
  }

  /** f16 in bits `shift` to `shift` + 15 of each word. */
  private fromHalf(word: number, shift: number): void {
    const { code } = this
    const [bits, magnitude] = [this.v('b1'), this.v('x')]
    code.get(word).i32(shift).simd(simd.i32x4_shr_u).set(bits)
    code.get(bits).vConst32(0x7fff).simd(simd.and).i32(13).simd(simd.i32x4_shl).tee(magnitude).vConstF32(2 ** 112).simd(simd.f32x4_mul)
    code.get(magnitude).vConst32(0x0f800000).simd(simd.i32x4_ge_s).vConst32(0x7f800000).simd(simd.and).simd(simd.or)
    code.get(bits).vConst32(0x8000).simd(simd.and).i32(16).simd(simd.i32x4_shl).simd(simd.or)
  }

  /** To the nearest f16, ties to even, in the low half of each word. */
  private toHalf(sum: number): void {
    const { code } = this
    const [bits, sign] = [this.v('b1'), this.v('x')]
    code.get(sum).vConst32(0x80000000).simd(simd.and).set(sign)
    code.get(sum).vConst32(0x7fffffff).simd(simd.and).set(bits)
    // Normal: round away the 13 low bits, then move the exponent. What is too large ends at 0x7c00, infinity.
    code.get(bits).vConst32(0xfff).simd(simd.i32x4_add).get(bits).i32(13).simd(simd.i32x4_shr_u).vConst32(1).simd(simd.and).simd(simd.i32x4_add)
    code.vConst32(0x38000000).simd(simd.i32x4_sub).i32(13).simd(simd.i32x4_shr_u).vConst32(0x7c00).simd(simd.i32x4_min_u)
    // Subnormal: adding 1/2 leaves the bits of f16 at the bottom.
    code.get(bits).vConstF32(0.5).simd(simd.f32x4_add).vConst32(0x3f000000).simd(simd.i32x4_sub)
    code.get(bits).vConst32(0x38800000).simd(simd.i32x4_ge_s).simd(simd.bitselect)
    code.get(sign).i32(16).simd(simd.i32x4_shr_u).simd(simd.or)
    // NaN has one pattern, without a sign.
    code.set(sign).vConst32(0x7fff).get(sign).get(bits).vConst32(0x7f800000).simd(simd.i32x4_gt_s).simd(simd.bitselect)
  }
}

export const emitMultiply = (kind: Accumulator): Code => new Multiply(kind).build()
