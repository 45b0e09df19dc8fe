// wmma.load, wmma.store and wmma.mma: products of a warp whose fragments only these instructions know (PTX ISA 9.7.14.4).
import type { Operand, Statement } from '../ast.ts'
import type { Chapter, DecodeContext, Decoded, Decoder } from '../decode.ts'
import type { AddressParts } from '../decode_context.ts'
import type { Exec, Slot, Warp } from '../machine.ts'
import { decodeFloat, encodeFloat, formats, type Rounding } from '../numeric/small_float.ts'
import { multiplyBits } from '../products/bits.ts'
import type { ElementName } from '../products/elements.ts'
import { adds, saturates, type Accumulator } from '../products/products.ts'
import { workspaceOf } from '../products/workspace.ts'
import { isOwnBlock, linear, resolve, spaceOf, type Access } from './addresses.ts'
import { since } from './free_modifiers.ts'
import { doubles } from './mma_others.ts'
import { operandTypes, type OperandType, type ResultType } from './mma_forms.ts'
import { matrixModifiers, needTogether, registerPieces, shapeOf, shapePattern, together, wholeWarp, type Shape } from './matrix_sync.ts'
import { checkShape, fragmentOf, type Fragment, type Part } from './wmma_fragments.ts'

const registerType = (type: string) => (type === 'f64' ? 'f64' : type === 'f32' ? 'f32' : 'b32')
/** .aligned came with PTX 6.3 and is needed from then on. */
function needForm(ctx: DecodeContext, what: string, one: { readonly sync?: string; readonly aligned?: string }): void {
  const [major, minor] = ctx.ptxVersion
  if (major === 6 && minor < 3) {
    if (one.aligned !== undefined) since(ctx, `.aligned of ${what}`, 6.3)
    if (one.sync === undefined) ctx.error(`${what} needs .sync`)
  } else needTogether(ctx, what, one)
}
/** PTX version and target from which a type or shape is there. */
function checkVersion(ctx: DecodeContext, type: string, shape: string): void {
  const [version, sm] = type === 'f16' || type === 'f32' ? (shape === 'm16n16k8' ? [7.0, 80] : shape === 'm16n16k16' ? [6.0, 70] : [6.1, 70]) : type === 's8' || type === 'u8' ? [6.3, 72] : type === 's4' || type === 'u4' || type === 'b1' ? [6.3, 75] : type === 's32' ? [6.3, 72] : [7.0, 80]
  since(ctx, `wmma of .${type}`, version, sm)
}

/** wmma.load and wmma.store of one fragment. */
const move = (store: boolean): Decoder => (s, ctx) => {
  const what = store ? 'wmma.store' : 'wmma.load'
  const { one, types, layouts } = matrixModifiers(ctx, { ...together, form: ['load', 'store'], part: ['a', 'b', 'c', 'd'], shape: shapePattern, space: ['global', 'shared', 'shared::cta'] }, operandTypes)
  needForm(ctx, what, one)
  const part = one.part as Part | undefined
  if (part === undefined || (store ? part !== 'd' : part === 'd')) ctx.error(store ? 'wmma.store stores .d' : 'wmma.load loads .a, .b or .c')
  const shape = shapeOf(ctx, one.shape)
  const [type] = types
  if (types.length !== 1) ctx.error(`${what} names one type`)
  checkShape(ctx, what, part!, one.shape!, type)
  checkVersion(ctx, type, one.shape!)
  if (layouts.length !== 1) ctx.error(`${what} needs a layout: .row or .col`)
  const f = fragmentOf(part!, shape, type as OperandType | ResultType)
  // B is kept by columns.
  const along = (part === 'b') !== (layouts[0] === 'row')
  if (f.bits < 8 && !along) ctx.error(`${what}.${part} of .${type} is .${part === 'b' ? 'col' : 'row'}`)
  ctx.operands(2, 3)
  const [registers, address] = store ? [s.operands[1], s.operands[0]] : [s.operands[0], s.operands[1]]
  const slots = store ? ctx.srcVector(registers, registerType(type), f.registers) : ctx.dstVector(registers, registerType(type), f.registers)
  const at = ctx.address(address)
  const stride = s.operands[2] ? ctx.src(s.operands[2], 'u32') : null
  // Without a stride the matrix is dense.
  const { M, N, K } = shape
  const [rows, columns] = part === 'a' ? [M, K] : part === 'b' ? [N, K] : [M, N]
  const access = { space: spaceOf(ctx, one.space, at), kind: store ? 'write' : 'read', order: 'weak', scope: 'cta', ownBlock: isOwnBlock(one.space) } as const
  return { ...wholeWarp(mover(f, slots, at, ctx.scratch(8), stride, along, along ? columns : rows, access, store)), touchesMemory: true }
}

/** Elements of a register that are consecutive in memory move as one word, others one by one. */
function mover(f: Fragment, slots: readonly Slot[], at: AddressParts, addresses: Slot, stride: Slot | null, along: boolean, dense: number, access: Omit<Access, 'bytes'>, store: boolean): Exec {
  const accumulates = f.bits === 32 || f.bits === 64
  const together = along && !accumulates
  const step = together ? f.perRegister : 1
  const bytes = together ? 4 : f.bits / 8
  const places: AddressParts = { slot: addresses, wide: true, offset: 0, variable: at.variable }
  return (w, mask) => {
    const { memory } = w.machine
    const leading = stride === null ? dense : memory.u32[(w.base + stride) >> 2]
    const count = store ? f.distinct : f.registers
    for (let r = 0; r < count; r++) for (let e = 0; e < f.perRegister; e += step) {
      fillAddresses(w, at, addresses, (lane) => { const { row, column } = f.place(r, lane, e); return Math.floor(((along ? row * leading + column : column * leading + row) * f.bits) / 8) })
      const go = resolve(w, mask, places, { ...access, bytes })
      transfer(w, go, (w.base + slots[r]), bytes, (e * f.bits) / 8, store)
    }
  }
}

function fillAddresses(w: Warp, at: AddressParts, to: Slot, offsetOf: (lane: number) => number): void {
  const { u32 } = w.machine.memory
  const [from, out] = [(w.base + at.slot) >> 2, (w.base + to) >> 2]
  for (let lane = 0; lane < 32; lane++) {
    const low = (at.wide ? u32[from + 2 * lane] : u32[from + lane]) + at.offset + offsetOf(lane)
    u32[out + 2 * lane] = low >>> 0
    u32[out + 2 * lane + 1] = (at.wide ? u32[from + 2 * lane + 1] : 0) + Math.floor(low / 2 ** 32)
  }
}

/** `bytes` bytes of each lane between memory and byte `inside` of its register. */
function transfer(w: Warp, go: number, register: number, bytes: number, inside: number, store: boolean): void {
  const { u8 } = w.machine.memory
  const width = Math.max(4, bytes)
  for (let lane = 0; lane < 32; lane++) {
    const place = register + width * lane + inside
    if ((go >>> lane) & 1) {
      if (store) u8.copyWithin(linear[lane], place, place + bytes)
      else u8.copyWithin(place, linear[lane], linear[lane] + bytes)
    } else if (!store) u8.fill(0, place, place + bytes)
  }
}

interface Multiplication { readonly shape: Shape; readonly d: ResultType; readonly a: OperandType; readonly b: OperandType; readonly c: ResultType }

/** Halves name two types, D and C; others four. */
function typesOf(ctx: DecodeContext, shape: string, types: readonly string[]): Omit<Multiplication, 'shape'> {
  const [d, a, b, c] = types.length === 2 ? [types[0], 'f16', 'f16', types[1]] : types
  const family = (t: string) => (t === 's8' || t === 'u8' ? 'integer' : t === 's4' || t === 'u4' ? 'small' : t)
  const result = a === 'f16' ? ['f16', 'f32'] : a === 'f64' ? ['f64'] : a === 'bf16' || a === 'tf32' ? ['f32'] : ['s32']
  const fine = types.length === 2 || (types.length === 4 && a !== 'f16' && a === b)
  if (!fine || family(a) !== family(b) || !result.includes(d) || !result.includes(c)) ctx.error(`wmma.mma.${types.join('.')}: types that do not go together`)
  checkShape(ctx, 'wmma.mma', 'a', shape, a)
  checkVersion(ctx, a, shape)
  return { d: d as ResultType, a: a as OperandType, b: b as OperandType, c: c as ResultType }
}

const multiply: Decoder = (s, ctx) => {
  const { one, types, layouts } = matrixModifiers(ctx, { ...together, form: ['mma'], shape: shapePattern, saturate: ['satfinite'], operation: ['xor', 'and'], count: ['popc'], rounding: ['rn', 'rz', 'rm', 'rp'] }, operandTypes)
  needForm(ctx, 'wmma.mma', one)
  const shape = shapeOf(ctx, one.shape)
  const m = { shape, ...typesOf(ctx, one.shape!, types) }
  if (layouts.length !== 2) ctx.error('wmma.mma needs the layouts of A and B')
  if ((m.a === 'b1' || m.a === 's4' || m.a === 'u4') && layouts.join() !== 'row,col') ctx.error(`wmma.mma of .${m.a} is .row.col`)
  if ((m.a === 'b1') !== (one.operation !== undefined && one.count !== undefined)) ctx.error(m.a === 'b1' ? 'wmma.mma of .b1 needs .xor.popc or .and.popc' : `wmma.mma: .${one.operation ?? one.count} is for .b1`)
  if (one.operation === 'and') since(ctx, 'wmma.mma of .b1 with .and', 7.1, 80)
  if (one.rounding && m.a !== 'f64') ctx.error(`wmma.mma: .${one.rounding} is for .f64`)
  if (one.saturate && m.a === 'f16' && ctx.ptxVersion[0] * 10 + ctx.ptxVersion[1] >= 65) ctx.error('wmma.mma of .f16 has no .satfinite from PTX 6.5 on')
  if (one.saturate && (m.a === 'bf16' || m.a === 'tf32' || m.a === 'f64' || m.a === 'b1')) ctx.error(`wmma.mma of .${m.a} has no .satfinite`)
  ctx.operands(4)
  const flop = { tensorFlop: 2 * shape.M * shape.N * shape.K }
  if (m.a === 'f64') return { ...doubles(s, ctx, shape, (one.rounding ?? 'rn') as Rounding), ...flop }
  return { ...tiles(s, ctx, m, one.saturate !== undefined, one.operation === 'xor'), ...flop }
}

function fragmentSlots(ctx: DecodeContext, o: Operand, part: Part, shape: Shape, type: OperandType | ResultType): Slot[] {
  const { registers } = fragmentOf(part, shape, type)
  return part === 'd' ? ctx.dstVector(o, registerType(type), registers) : ctx.srcVector(o, registerType(type), registers)
}

/** Slots of an accumulator as `multiply` wants them, for each 16 rows; of 8 rows the others go to a spare register. */
function tables(M: number, N: number, packed: boolean, slots: readonly Slot[], spare: () => Slot): Uint32Array[] {
  const perBlock = packed ? 2 : 4
  const own = perBlock / (M === 8 ? 2 : 1)
  return Array.from({ length: Math.max(1, M / 16) }, (_, tile) =>
    Uint32Array.from({ length: (N / 8) * perBlock }, (_, i) => (i % perBlock < own ? slots[(tile * (N / 8) + Math.floor(i / perBlock)) * own + (i % perBlock)] : spare())))
}

/** Registers of f32 beside packed halves: products are summed in f32 where C or D has that type. */
interface Widened { readonly slots: readonly Slot[]; fromHalves(w: Warp): void; toHalves(w: Warp): void }
function widened(ctx: DecodeContext, packed: readonly Slot[]): Widened {
  const slots = packed.flatMap(() => [ctx.scratch(4), ctx.scratch(4)])
  return {
    slots,
    fromHalves(w) {
      const { u32, f32 } = w.machine.memory
      packed.forEach((p, r) => { for (let lane = 0; lane < 32; lane++) for (const e of [0, 1]) f32[((w.base + slots[2 * r + e]) >> 2) + lane] = decodeFloat((u32[((w.base + p) >> 2) + lane] >>> (16 * e)) & 0xffff, formats.f16) })
    },
    toHalves(w) {
      const { u32, f32 } = w.machine.memory
      const half = (r: number, lane: number) => encodeFloat(f32[((w.base + slots[r]) >> 2) + lane], formats.f16)
      packed.forEach((p, r) => { for (let lane = 0; lane < 32; lane++) u32[((w.base + p) >> 2) + lane] = half(2 * r, lane) | (half(2 * r + 1, lane) << 16) })
    },
  }
}

function tiles(s: Statement, ctx: DecodeContext, { shape, d, a, b, c }: Multiplication, saturate: boolean, xor: boolean): Decoded {
  const { M, N, K } = shape
  const slots = (i: number, part: Part, type: OperandType | ResultType) => fragmentSlots(ctx, s.operands[i], part, shape, type)
  const [dSlots, aSlots, bSlots, cSlots] = [slots(0, 'd', d), slots(1, 'a', a), slots(2, 'b', b), slots(3, 'c', c)]
  const [aPieces, bPieces] = [registerPieces(aSlots.slice(0, fragmentOf('a', shape, a).distinct), M), registerPieces(bSlots.slice(0, fragmentOf('b', shape, b).distinct), N)]
  let spareSlot: Slot | undefined
  const spare = () => (spareSlot ??= ctx.scratch(4))
  const mixed = c !== d
  const kind: Accumulator = mixed ? 'f32' : d as Accumulator
  const [wideC, wideD] = [mixed && c === 'f16' ? widened(ctx, cSlots) : null, mixed && d === 'f16' ? widened(ctx, dSlots) : null]
  const [cTiles, dTiles] = [tables(M, N, kind === 'f16', wideC?.slots ?? cSlots, spare), tables(M, N, kind === 'f16', wideD?.slots ?? dSlots, spare)]
  const integer = d === 's32'
  const flags = adds | (saturate && integer ? saturates : 0)
  if (a === 'b1') return wholeWarp((w) => multiplyBits(w.machine.memory, xor, aPieces.map((x) => x + w.base), bPieces.map((x) => x + w.base), N, w.base, cTiles[0], dTiles[0], flags))
  const [aType, bType] = [a as ElementName, b as ElementName]
  return wholeWarp((w) => {
    const { memory } = w.machine
    const { products, pieces, rows, raw, columns, c: cAt, d: dAt } = workspaceOf(w.machine, { wgmma: false, a: aType, b: bType })
    memory.u32.set(aPieces, pieces >> 2)
    products.expand[aType](pieces, w.base, aPieces.length, rows)
    memory.u32.set(bPieces, pieces >> 2)
    products.expand[bType](pieces, w.base, bPieces.length, raw)
    products.transposePairs(raw, N, K, columns)
    wideC?.fromHalves(w)
    dTiles.forEach((dTile, i) => {
      memory.u32.set(cTiles[i], cAt >> 2)
      memory.u32.set(dTile, dAt >> 2)
      products.multiply[kind](rows + 64 * K * i, K, columns, N, w.base, cAt, dAt, flags)
    })
    if (saturate && !integer) for (const tile of dTiles) limit(w, tile, kind === 'f16', d)
    wideD?.toHalves(w)
  })
}

/** .satfinite of floats: what is too large becomes the largest number of D's type, NaN becomes 0. */
function limit(w: Warp, table: Uint32Array, packed: boolean, type: ResultType): void {
  const { u32, f32 } = w.machine.memory
  const most = type === 'f16' ? formats.f16.max : formats.f32.max
  const inside = (x: number) => (x !== x ? 0 : Math.max(-most, Math.min(most, x)))
  const half = (bits: number) => encodeFloat(inside(decodeFloat(bits & 0xffff, formats.f16)), formats.f16)
  for (const slot of table) for (let at = (w.base + slot) >> 2, end = at + 32; at < end; at++) {
    if (packed) u32[at] = half(u32[at]) | (half(u32[at] >>> 16) << 16)
    else f32[at] = inside(f32[at])
  }
}

export const wmma: Chapter = { 'wmma.load': move(false), 'wmma.store': move(true), 'wmma.mma': multiply }
