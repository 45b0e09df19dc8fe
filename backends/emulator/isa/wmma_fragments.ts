// Fragments of wmma: how many registers, and which element each lane's register holds. The ISA leaves that open; here A, B and the
// accumulators lie as in mma.sync (PTX ISA 9.7.14.4.1 has the numbers of registers).
import type { DecodeContext } from '../decode.ts'
import { bitsOfType, type OperandType, type ResultType } from './mma_forms.ts'
import type { Shape } from './matrix_sync.ts'

export type Part = 'a' | 'b' | 'c' | 'd'

/** An element or several that are consecutive in a row of K. */
export interface Place { readonly row: number; readonly column: number }
export interface Fragment {
  readonly registers: number
  /** Registers from here on repeat the ones before: .f16 has 8 for every shape. */
  readonly distinct: number
  readonly bits: number
  /** Elements in one register. */
  readonly perRegister: number
  /** Element `e` of register r of a lane: row and column of A and C, column (as row) and K of B. */
  place(r: number, lane: number, e: number): Place
}

/** Shapes by types of operands. */
const shapes: Readonly<Record<string, readonly string[]>> = {
  f16: ['m16n16k16', 'm8n32k16', 'm32n8k16'], bf16: ['m16n16k16', 'm8n32k16', 'm32n8k16'], s8: ['m16n16k16', 'm8n32k16', 'm32n8k16'], u8: ['m16n16k16', 'm8n32k16', 'm32n8k16'],
  tf32: ['m16n16k8'], f64: ['m8n8k4'], s4: ['m8n8k32'], u4: ['m8n8k32'], b1: ['m8n8k128'],
}
/** Types of accumulators by shape. */
const results: Readonly<Record<string, readonly string[]>> = { m16n16k16: ['f16', 'f32', 's32'], m8n32k16: ['f16', 'f32', 's32'], m32n8k16: ['f16', 'f32', 's32'], m16n16k8: ['f32'], m8n8k4: ['f64'], m8n8k32: ['s32'], m8n8k128: ['s32'] }

export function checkShape(ctx: DecodeContext, what: string, part: Part, shape: string, type: string): void {
  const fine = part === 'a' || part === 'b' ? shapes[type]?.includes(shape) : results[shape]?.includes(type)
  if (!fine) ctx.error(`${what} of .${type} has no shape .${shape}`)
}

export function fragmentOf(part: Part, { M, N, K }: Shape, type: OperandType | ResultType): Fragment {
  return part === 'c' || part === 'd' ? accumulatorFragment(M, N, type as ResultType) : operandFragment(part === 'a' ? M : N, K, type as OperandType)
}

function operandFragment(rows: number, K: number, type: OperandType): Fragment {
  const bits = bitsOfType(type)
  const perRegister = Math.max(1, 32 / bits)
  const blocks = rows / 8
  const distinct = (rows * K) / (32 * perRegister)
  return {
    bits, perRegister, distinct, registers: type === 'f16' ? 8 : distinct,
    place(r, lane, e) {
      const own = r % distinct
      return { row: 8 * (own % blocks) + (lane >> 2), column: (Math.floor(own / blocks) * 4 + (lane & 3)) * perRegister + e }
    },
  }
}

/** Registers of 16 rows and all columns, then of the next 16; a tile of 8 rows lacks those of rows 8 to 15. */
function accumulatorFragment(M: number, N: number, type: ResultType): Fragment {
  const packed = type === 'f16'
  const perRegister = packed ? 2 : 1
  const halves = M === 8 ? 1 : 2
  const perBlock = halves * (packed ? 1 : 2)
  const perTile = (N / 8) * perBlock
  const registers = (M * N) / (32 * perRegister)
  return {
    registers, distinct: registers, perRegister, bits: type === 'f64' ? 64 : packed ? 16 : 32,
    place(r, lane, e) {
      const [tile, inTile] = [Math.floor(r / perTile), r % perTile]
      const [block, own] = [Math.floor(inTile / perBlock), inTile % perBlock]
      const [half, odd] = packed ? [own, e] : [own >> 1, own & 1]
      return { row: 16 * tile + 8 * half + (lane >> 2), column: 8 * block + 2 * (lane & 3) + odd }
    },
  }
}
