// Matrix products of one warp: mma.sync and mma.sp (PTX ISA 9.7.14.5-6). Doubles and the quads of m8n8k4 are in mma_others.ts.
import type { Statement } from '../ast.ts'
import type { Chapter, DecodeContext, Decoded, Decoder } from '../decode.ts'
import type { Slot } from '../machine.ts'
import type { Rounding } from '../numeric/small_float.ts'
import { multiplyBits } from '../products/bits.ts'
import type { ElementName } from '../products/elements.ts'
import { adds, saturates, type Accumulator } from '../products/products.ts'
import { workspaceOf } from '../products/workspace.ts'
import { since } from './free_modifiers.ts'
import { doubles, quads } from './mma_others.ts'
import { bitsOfType, denseForms, formOf, operandTypes, sparseForms, type Multiplied } from './mma_forms.ts'
import { selectors, spreadRows } from './matrix_sparse.ts'
import { matrixModifiers, needTogether, registerPieces, shapePattern, together, wholeWarp } from './matrix_sync.ts'

const decode: Decoder = (s, ctx) => {
  const { one, types, layouts } = matrixModifiers(ctx, {
    ...together, sparse: ['sp', 'sp::ordered_metadata'], shape: shapePattern, saturate: ['satfinite'], operation: ['xor', 'and'], count: ['popc'],
    rounding: ['rn', 'rz', 'rm', 'rp'],
  }, operandTypes)
  needTogether(ctx, 'mma', one)
  const sparse = one.sparse !== undefined
  const what = sparse ? 'mma.sp' : 'mma.sync'
  const form = formOf(ctx, what, sparse ? sparseForms : denseForms, one.shape, types)
  const { family, d, c } = form
  if (one.sparse === 'sp::ordered_metadata') since(ctx, 'mma.sp::ordered_metadata', 8.5)
  const isQuads = family === 'f16' && one.shape === 'm8n8k4'
  const [layoutA, layoutB] = layouts
  if (layouts.length !== 2) ctx.error(`${what} needs the layouts of A and B: .row.col`)
  if (!isQuads && (layoutA !== 'row' || layoutB !== 'col')) ctx.error(`${what}.${one.shape} is .row.col`)
  if (one.saturate && family !== 'int8' && family !== 'int4') ctx.error(`${what}: .satfinite is for integers of 4 and 8 bits`)
  if ((family === 'b1') !== (one.operation !== undefined) || (family === 'b1') !== (one.count !== undefined)) ctx.error(family === 'b1' ? 'mma of .b1 needs .xor.popc or .and.popc' : `mma: .${one.operation ?? one.count} is for .b1`)
  if (one.operation === 'and') since(ctx, 'mma of .b1 with .and', 7.1, 80)
  if (one.rounding && family !== 'f64') ctx.error(`mma: .${one.rounding} is for .f64`)
  if (c !== d && !isQuads) ctx.error(`mma.${one.shape} with D of .${d} has C of .${d}, not .${c}`)
  ctx.operands(sparse ? 6 : 4)
  const flop = { tensorFlop: 2 * form.shape.M * form.shape.N * form.shape.K }
  if (isQuads) return { ...quads(s, ctx, form, layoutA, layoutB), tensorFlop: 4 * 2 * 8 * 8 * 4 }
  if (family === 'f64') return { ...doubles(s, ctx, form.shape, (one.rounding ?? 'rn') as Rounding), ...flop }
  return { ...tile(s, ctx, form, { saturate: one.saturate !== undefined, xor: one.operation === 'xor', sparse }), ...flop }
}

interface Options { readonly saturate: boolean; readonly xor: boolean; readonly sparse: boolean }

/** Registers of an accumulator of 16 rows; a tile of 8 rows has no others, and a spare one takes what is not there. */
function accumulator(slots: readonly Slot[], rows: number, spare: () => Slot): Slot[] { return rows === 16 ? [...slots] : [slots[0], slots[1], spare(), spare()] }

function tile(s: Statement, ctx: DecodeContext, { shape, d, a, b }: Multiplied, { saturate, xor, sparse }: Options): Decoded {
  const { M, K } = shape
  const kind = d as Accumulator
  const type = kind === 'f32' ? 'f32' : 'b32'
  const numAccumulators = (kind === 'f16' ? 2 : 4) / (16 / M)
  const dSlots = ctx.dstVector(s.operands[0], type, numAccumulators)
  const storedK = sparse ? K / 2 : K
  const aSlots = ctx.srcVector(s.operands[1], 'b32', (M * storedK * bitsOfType(a)) / 1024)
  const bSlots = ctx.srcVector(s.operands[2], 'b32', (8 * K * bitsOfType(b)) / 1024)
  const cSlots = ctx.srcVector(s.operands[3], type, numAccumulators)
  let spareSlot: Slot | undefined
  const spare = () => (spareSlot ??= ctx.scratch(4))
  const [aPieces, bPieces] = [registerPieces(aSlots, M), registerPieces(bSlots, 8)]
  const [cTable, dTable] = [accumulator(cSlots, M, spare), accumulator(dSlots, M, spare)]
  const flags = adds | (saturate ? saturates : 0)
  if (a === 'b1') {
    const [c, out] = [Uint32Array.from(cTable), Uint32Array.from(dTable)]
    return wholeWarp((w) => multiplyBits(w.machine.memory, xor, aPieces.map((x) => x + w.base), bPieces.map((x) => x + w.base), 8, w.base, c, out, flags))
  }
  const [aType, bType] = [a as ElementName, b as ElementName]
  const spread = sparse ? metadata(s, ctx, aType, K) : null
  // One table for all: it is copied once.
  const table = Uint32Array.from([...aPieces, ...bPieces, ...cTable, ...dTable])
  const [bAt, cAt] = [4 * aPieces.length, 4 * (aPieces.length + bPieces.length)]
  const dAt = cAt + 4 * cTable.length
  const productKind = { wgmma: false, a: aType, b: bType }
  return wholeWarp((w) => {
    const { products, pieces, rows, raw, columns } = workspaceOf(w.machine, productKind)
    const { memory } = w.machine
    memory.u32.set(table, pieces >> 2)
    products.expand[aType](pieces, w.base, aPieces.length, spread === null ? rows : raw)
    if (spread !== null) spreadRows(memory, aType, raw, rows, K, spread.selector, (lane) => memory.u32[((w.base + spread.slot) >> 2) + lane])
    products.expand[bType](pieces + bAt, w.base, bPieces.length, raw)
    products.transposePairs(raw, 8, K, columns)
    products.multiply[kind](rows, K, columns, 8, w.base, pieces + cAt, pieces + dAt, flags)
  })
}

function metadata(s: Statement, ctx: DecodeContext, type: ElementName, K: number): { slot: Slot; selector: number } {
  const slot = ctx.src(s.operands[4], 'b32')
  const selector = ctx.constant(s.operands[5], 'the sparsity selector')
  const most = selectors(type, K)
  if (selector < 0 || selector >= most) ctx.error(`the sparsity selector is ${selector}, must be ${most === 1 ? '0' : `0 to ${most - 1}`}`, s.operands[5].at)
  return { slot, selector }
}

export const mma: Chapter = { mma: decode }
