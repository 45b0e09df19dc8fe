// The definition of the products in TypeScript: see products.ts.
import type { Memory } from '../machine.ts'
import { f32Bits, f32Of } from '../numeric/round.ts'
import { decodeFloat, encodeFloat, formats } from '../numeric/small_float.ts'
import { decoderOf, elementBits, elementNames, type ElementName } from './elements.ts'
import { adds, saturates, type Accumulator, type Products } from './products.ts'

/** Place of column c of each 8. */
export const paired = (c: number): number => (c & ~7) | ((c & 1) << 2) | ((c & 7) >> 1)

/** New bits of one accumulator from the old ones; row `a` and column `b` are indices into `f32`, the column's numbers N apart. */
export type Element = (old: number, f32: Float32Array, a: number, b: number, N: number, K: number, flags: number) => number

/** `multiply` for any rule of one element: the loops over a tile's registers and lanes. */
export function multiplier(memory: Memory, packed: boolean, element: Element): Products['multiply']['f32'] {
  const perRegister = packed ? 2 : 1
  const low = packed ? 0xffff : -1
  const fresh = new Int32Array(128)
  return (a, K, b, N, base, c, d, flags) => {
    const { f32, i32, u32 } = memory
    for (let lane = 0; lane < 32; lane++) {
      for (let r = 0; r < N / 2; r += perRegister) {
        const index = r / perRegister
        const from = (a >> 2) + ((lane >> 2) + 4 * (r & 2)) * K
        const column = (b >> 2) + 8 * (r >> 2) + 4 * (r & 1) + (lane & 3)
        const old = flags & adds ? i32[((base + u32[(c >> 2) + index]) >> 2) + lane] : 0
        const first = element(old & low, f32, from, column, N, K, flags)
        fresh[index] = packed ? first | (element(old >>> 16, f32, from, column + 4, N, K, flags) << 16) : first
      }
      // C is read whole before D is written: they may be the same registers in another order.
      for (let index = 0; index < N / 2 / perRegister; index++) i32[((base + u32[(d >> 2) + index]) >> 2) + lane] = fresh[index]
    }
  }
}

function dot(f32: Float32Array, a: number, b: number, N: number, K: number): number {
  let sum = 0
  for (let k = 0; k < K; k++) sum = Math.fround(sum + Math.fround(f32[a + k] * f32[b + k * N]))
  return sum
}
const elements: Readonly<Record<Accumulator, Element>> = {
  f32: (old, f32, a, b, N, K, flags) => f32Bits(flags & adds ? dot(f32, a, b, N, K) + f32Of(old) : dot(f32, a, b, N, K)),
  f16: (old, f32, a, b, N, K, flags) => encodeFloat(flags & adds ? Math.fround(dot(f32, a, b, N, K) + decodeFloat(old, formats.f16)) : dot(f32, a, b, N, K), formats.f16),
  s32(old, f32, a, b, N, K, flags) {
    const total = dot(f32, a, b, N, K) + (flags & adds ? old : 0)
    return flags & saturates ? Math.max(-0x80000000, Math.min(0x7fffffff, total)) : total | 0
  },
}

export function plainProducts(memory: Memory): Products {
  const expand = (type: ElementName): Products['expand']['f16'] => {
    const decode = decoderOf(type)
    const bits = elementBits[type]
    const each = 32 / bits
    const mask = bits === 32 ? -1 : 2 ** bits - 1
    return (table, base, count, to) => {
      const { u32, f32 } = memory
      let out = to >> 2
      for (let i = 0; i < count; i++) {
        const at = (base + u32[(table >> 2) + i]) >> 2
        for (let w = 0; w < 4; w++) for (let e = 0; e < each; e++) f32[out++] = decode((u32[at + w] >>> (bits * e)) & mask)
      }
    }
  }
  const transpose = (place: (row: number) => number): Products['transpose'] => (from, rows, columns, to) => {
    const { u32 } = memory
    for (let r = 0; r < rows; r++) for (let c = 0; c < columns; c++) u32[(to >> 2) + c * rows + place(r)] = u32[(from >> 2) + r * columns + c]
  }
  return {
    expand: Object.fromEntries(elementNames.map((type) => [type, expand(type)])) as Products['expand'],
    transpose: transpose((row) => row),
    transposePairs: transpose(paired),
    pairColumns(at, count) {
      const { f32 } = memory
      for (let i = at >> 2; i < (at >> 2) + count; i += 8) {
        const own = f32.slice(i, i + 8)
        own.forEach((x, c) => { f32[i + paired(c)] = x })
      }
    },
    multiply: { f32: multiplier(memory, false, elements.f32), f16: multiplier(memory, true, elements.f16), s32: multiplier(memory, false, elements.s32) },
    lend(table, base, count, poison) {
      const { u8, u32 } = memory
      for (let i = 0; i < count; i++) {
        const [slot, shadow] = [base + u32[(table >> 2) + 2 * i], base + u32[(table >> 2) + 2 * i + 1]]
        u8.copyWithin(shadow, slot, slot + 128)
        u32.fill(poison, slot >> 2, (slot >> 2) + 32)
      }
    },
    giveBack(table, base, count) {
      const { u8, u32 } = memory
      for (let i = 0; i < count; i++) {
        const [slot, shadow] = [base + u32[(table >> 2) + 2 * i], base + u32[(table >> 2) + 2 * i + 1]]
        u8.copyWithin(slot, shadow, shadow + 128)
      }
    },
  }
}
