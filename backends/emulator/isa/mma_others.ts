// mma.sync of doubles, and of m8n8k4 in halves, which multiplies in four groups of eight lanes (PTX ISA 9.7.14.5.1-2, 9.7.14.5.10-13).
import type { Statement } from '../ast.ts'
import type { DecodeContext, Decoded } from '../decode.ts'
import { f32Bits, f32Of } from '../numeric/round.ts'
import { fma64 } from '../numeric/exact64.ts'
import { decodeFloat, encodeFloat, formats, type Rounding } from '../numeric/small_float.ts'
import type { Multiplied } from './mma_forms.ts'
import { wholeWarp, type Shape } from './matrix_sync.ts'

/** Lane 4 g + t has row g (column g of B) and, in register i, k = t + 4 i; A goes over rows g and g + 8 first. */
export function doubles(s: Statement, ctx: DecodeContext, { M, K }: Shape, mode: Rounding): Decoded {
  const blocks = M / 8
  const d = ctx.dstVector(s.operands[0], 'f64', 2 * blocks)
  const a = ctx.srcVector(s.operands[1], 'f64', (blocks * K) / 4)
  const b = ctx.srcVector(s.operands[2], 'f64', K / 4)
  const c = ctx.srcVector(s.operands[3], 'f64', 2 * blocks)
  const sums = new Float64Array(M * 8)
  return wholeWarp((w) => {
    const { f64 } = w.machine.memory
    const at = (slot: number, lane: number) => ((w.base + slot) >> 3) + lane
    for (let row = 0; row < M; row++) for (let n = 0; n < 8; n++) {
      let sum = f64[at(c[2 * (row >> 3) + (n & 1)], 4 * (row & 7) + (n >> 1))]
      for (let k = 0; k < K; k++) sum = fma64(f64[at(a[blocks * (k >> 2) + (row >> 3)], 4 * (row & 7) + (k & 3))], f64[at(b[k >> 2], 4 * n + (k & 3))], sum, mode)
      sums[row * 8 + n] = sum
    }
    for (let row = 0; row < M; row++) for (let n = 0; n < 8; n++) f64[at(d[2 * (row >> 3) + (n & 1)], 4 * (row & 7) + (n >> 1))] = sums[row * 8 + n]
  })
}

/** Element `i` of packed halves in two (or four) registers. */
type Halves = (lane: number, i: number) => number

/**
 * Lanes 4 q to 4 q + 3 and 16 + 4 q to 16 + 4 q + 3 make one product of 8 x 8 x 4. Lane l has row (l & 3) + 4 (l >> 4) of a row-major A
 * or a column-major B; else column l & 3 of rows 0 to 3 or 4 to 7.
 */
export function quads(s: Statement, ctx: DecodeContext, { d: dType, c: cType }: Multiplied, layoutA: string, layoutB: string): Decoded {
  if (dType === 'f16' && cType === 'f32') ctx.error('mma.m8n8k4 with C of .f32 has D of .f32')
  const registers = (type: string) => (type === 'f32' ? 8 : 4)
  const d = ctx.dstVector(s.operands[0], dType === 'f32' ? 'f32' : 'b32', registers(dType))
  const [a, b] = [ctx.srcVector(s.operands[1], 'b32', 2), ctx.srcVector(s.operands[2], 'b32', 2)]
  const c = ctx.srcVector(s.operands[3], cType === 'f32' ? 'f32' : 'b32', registers(cType))
  const lane = (quad: number, row: number) => 4 * quad + (row & 3) + 16 * (row >> 2)
  /** Which lane and element hold (row, column) of a row-major matrix of 8 x 4, or the other way round. */
  const held = (rowMajor: boolean, quad: number, r: number, k: number): [number, number] => (rowMajor ? [lane(quad, r), k] : [4 * quad + k + 16 * (r >> 2), r & 3])
  /** Element of an accumulator: of halves one row a lane; of f32 in pairs of columns. */
  const place = (type: string, quad: number, r: number, n: number): [number, number] => (type === 'f16' ? [lane(quad, r), n] : [4 * quad + (r & 1) + (n & 2) + 16 * (r >> 2), (n & 1) + (r & 2) + (n & 4)])
  return wholeWarp((w) => {
    const { u32, i32 } = w.machine.memory
    const word = (slot: number, l: number) => ((w.base + slot) >> 2) + l
    const halves = (slots: readonly number[]): Halves => (l, i) => decodeFloat((u32[word(slots[i >> 1], l)] >>> (16 * (i & 1))) & 0xffff, formats.f16)
    const [readA, readB, readC] = [halves(a), halves(b), cType === 'f32' ? (l: number, i: number) => f32Of(u32[word(c[i], l)]) : halves(c)]
    const sums = new Float64Array(256)
    for (let quad = 0; quad < 4; quad++) for (let r = 0; r < 8; r++) for (let n = 0; n < 8; n++) {
      let sum = 0
      for (let k = 0; k < 4; k++) sum = Math.fround(sum + readA(...held(layoutA === 'row', quad, r, k)) * readB(...held(layoutB === 'col', quad, n, k)))
      sums[64 * quad + 8 * r + n] = Math.fround(sum + readC(...place(cType, quad, r, n)))
    }
    for (let quad = 0; quad < 4; quad++) for (let r = 0; r < 8; r++) for (let n = 0; n < 8; n++) {
      const [l, i] = place(dType, quad, r, n)
      const sum = sums[64 * quad + 8 * r + n]
      if (dType === 'f32') { i32[word(d[i], l)] = f32Bits(sum); continue }
      const at = word(d[i >> 1], l)
      const shift = 16 * (i & 1)
      u32[at] = (u32[at] & ~(0xffff << shift)) | (encodeFloat(sum, formats.f16) << shift)
    }
  })
}
