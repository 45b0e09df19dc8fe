// 8 x 8 matrices of 16-bit elements between shared memory and the registers of a warp: ldmatrix, stmatrix, and movmatrix, which
// transposes in registers (PTX ISA 9.7.14.5.15-17). Lane 4 g + t holds row g, elements 2 t and 2 t + 1.
import type { Chapter, DecodeContext, Decoder } from '../decode.ts'
import { isOwnBlock, linear, resolve, spaceOf } from './addresses.ts'
import { since } from './free_modifiers.ts'
import { matrixModifiers, needTogether, together, wholeWarp } from './matrix_sync.ts'

const newer: Readonly<Record<string, string>> = { m16n16: 'sm_100a', m8n16: 'sm_100a', m16n8: 'sm_100a' }

function form(ctx: DecodeContext, opcode: string): { count: number; transposed: boolean; space: string | undefined } {
  const { one, types } = matrixModifiers(ctx, {
    ...together, shape: ['m8n8', 'm16n16', 'm8n16', 'm16n8'], number: ['x1', 'x2', 'x4'], trans: ['trans'], space: ['shared', 'shared::cta'],
  }, ['b16', 'b8', 'b8x16.b6x16_p32', 'b8x16.b4x16_p64'])
  needTogether(ctx, opcode, one)
  if (one.shape === undefined) ctx.error(`${opcode} lacks its shape: .m8n8`)
  if (newer[one.shape!]) ctx.error(`${opcode} of shape .${one.shape} needs ${newer[one.shape!]}`)
  if (opcode !== 'movmatrix' && one.number === undefined) ctx.error(`${opcode} lacks its number of matrices: .x1 .x2 .x4`)
  if (types.length !== 1 || types[0] !== 'b16') ctx.error(`${opcode}.m8n8 is of type .b16`)
  return { count: Number(one.number?.[1] ?? 1), transposed: one.trans !== undefined, space: one.space }
}

/** Lanes 8 i to 8 i + 7 name the rows of matrix i. */
const namedLanes = (count: number) => (count === 4 ? -1 : (1 << (8 * count)) - 1)

const ldmatrix: Decoder = (s, ctx) => {
  const { count, transposed, space } = form(ctx, 'ldmatrix')
  since(ctx, 'ldmatrix', 6.5, 75)
  ctx.operands(2)
  const slots = ctx.dstVector(s.operands[0], 'b32', count)
  const at = ctx.address(s.operands[1])
  const access = { space: spaceOf(ctx, space, at), kind: 'read', bytes: 16, order: 'weak', scope: 'cta', ownBlock: isOwnBlock(space) } as const
  return {
    ...wholeWarp((w, mask) => {
      const go = resolve(w, mask & namedLanes(count), at, access)
      const { u16, u32 } = w.machine.memory
      for (let m = 0; m < count; m++) {
        const to = (w.base + slots[m]) >> 2
        // Rows that nothing may read give zeros.
        if (((go >>> (8 * m)) & 0xff) !== 0xff) u32.fill(0, to, to + 32)
        for (let row = 0; row < 8; row++) {
          const lane = 8 * m + row
          if (((go >>> lane) & 1) === 0) continue
          if (!transposed) {
            // A row is four lanes of the register.
            const [from, out] = [linear[lane] >> 2, to + 4 * row]
            u32[out] = u32[from]
            u32[out + 1] = u32[from + 1]
            u32[out + 2] = u32[from + 2]
            u32[out + 3] = u32[from + 3]
          } else {
            const [from, out] = [linear[lane] >> 1, 2 * to + row]
            for (let c = 0; c < 8; c++) u16[out + 8 * c] = u16[from + c]
          }
        }
      }
    }),
    touchesMemory: true,
  }
}

const stmatrix: Decoder = (s, ctx) => {
  const { count, transposed, space } = form(ctx, 'stmatrix')
  since(ctx, 'stmatrix', 7.8, 90)
  ctx.operands(2)
  const at = ctx.address(s.operands[0])
  const slots = ctx.srcVector(s.operands[1], 'b32', count)
  const access = { space: spaceOf(ctx, space, at), kind: 'write', bytes: 16, order: 'weak', scope: 'cta', ownBlock: isOwnBlock(space) } as const
  return {
    ...wholeWarp((w, mask) => {
      const go = resolve(w, mask & namedLanes(count), at, access)
      const { u16 } = w.machine.memory
      for (let m = 0; m < count; m++) for (let row = 0; row < 8; row++) {
        const lane = 8 * m + row
        if (((go >>> lane) & 1) === 0) continue
        const from = (w.base + slots[m]) >> 1
        for (let c = 0; c < 8; c++) u16[(linear[lane] >> 1) + c] = u16[from + (transposed ? 8 * c + row : 8 * row + c)]
      }
    }),
    touchesMemory: true,
  }
}

const movmatrix: Decoder = (s, ctx) => {
  const { transposed, space } = form(ctx, 'movmatrix')
  since(ctx, 'movmatrix', 7.8, 75)
  if (!transposed || space !== undefined) ctx.error('movmatrix is .sync.aligned.m8n8.trans.b16')
  ctx.operands(2)
  const [d, a] = [ctx.dst(s.operands[0], 'b32'), ctx.src(s.operands[1], 'b32')]
  const own = new Uint16Array(64)
  return wholeWarp((w) => {
    const { u16 } = w.machine.memory
    const [from, to] = [(w.base + a) >> 1, (w.base + d) >> 1]
    // D may be A.
    own.set(u16.subarray(from, from + 64))
    for (let row = 0; row < 8; row++) for (let c = 0; c < 8; c++) u16[to + 8 * c + row] = own[8 * row + c]
  })
}

export const matrixMoves: Chapter = { ldmatrix, stmatrix, movmatrix }
