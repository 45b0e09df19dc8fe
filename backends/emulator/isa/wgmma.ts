// Products of a warpgroup beside its threads: wgmma.mma_async with its fence, commit_group and wait_group (PTX ISA 9.7.15).
//
// A product is issued when the last of the four warps comes to it and performed at some moment until the wait that covers it: then it
// reads shared memory, and A in registers. Registers of D hold poison from a warp's issue to its wait; see wgmma_groups.ts.
import type { Operand, Statement } from '../ast.ts'
import type { Chapter, DecodeContext, Decoded, Decoder } from '../decode.ts'
import { lowestLane } from '../diagnostics.ts'
import { RETRY, type AsyncHandle, type AsyncOp, type Warp } from '../machine.ts'
import { elementBits, type ElementName } from '../products/elements.ts'
import { adds, saturates, type Accumulator } from '../products/products.ts'
import { workspaceOf, type Workspace } from '../products/workspace.ts'
import { readPredicate } from '../slots.ts'
import { showAddress } from './addresses.ts'
import { since } from './free_modifiers.ts'
import { selectors } from './matrix_sparse.ts'
import { matrixModifiers, needTogether, registerPieces, shapeOf, shapePattern, together, wholeWarp, type Shape } from './matrix_sync.ts'
import { waitInMoves } from './wgmma_copies.ts'
import { SharedOperand, type Pieces } from './wgmma_descriptor.ts'
import { absent, assembling, mismatch, productsOf, registerSet, type Product } from './wgmma_groups.ts'
import { perform, type Multiply } from './wgmma_multiply.ts'

const narrowFloats = ['e4m3', 'e5m2']
const bytes8 = ['s8', 'u8']

/** What goes together, with K. */
function kindOf(ctx: DecodeContext, types: readonly string[]): { d: Accumulator; a: string; b: string; K: number } {
  const [d, a, b, more] = types
  if (b === undefined || more !== undefined) ctx.error('wgmma.mma_async names three types: of D, A and B')
  const same = a === b || (narrowFloats.includes(a) && narrowFloats.includes(b)) || (bytes8.includes(a) && bytes8.includes(b))
  const accumulators = a === 'f16' || narrowFloats.includes(a) ? ['f32', 'f16'] : a === 'bf16' || a === 'tf32' ? ['f32'] : ['s32']
  if (!same || !accumulators.includes(d)) ctx.error(`wgmma.mma_async.${d}.${a}.${b}: types that do not go together`)
  if (bytes8.includes(a) && a !== b) since(ctx, 'wgmma.mma_async of .s8 with .u8', 8.4)
  return { d: d as Accumulator, a, b, K: a === 'b1' ? 256 : 256 / elementBits[a as ElementName] }
}

function checkShape(ctx: DecodeContext, { M, N, K }: Shape, name: string, wanted: number, integer: boolean): void {
  if (M !== 64 || K !== wanted) ctx.error(`wgmma.mma_async has no shape .${name} for these types; it is .m64nNk${wanted}`)
  const fine = N >= 8 && N <= 256 && (integer ? N % 16 === 0 || N === 8 || N === 24 : N % 8 === 0)
  if (!fine) ctx.error(`wgmma.mma_async has no shape .${name}: N is ${integer ? '8, 24 or a multiple of 16' : 'a multiple of 8'}, up to 256`)
}

const decode: Decoder = (s, ctx): Decoded => {
  const { one, types } = matrixModifiers(ctx, { ...together, form: ['mma_async'], sparse: ['sp'], shape: shapePattern, saturate: ['satfinite'], operation: ['and', 'xor', 'or'], count: ['popc'] },
    ['f32', 'f16', 'bf16', 'tf32', 'e4m3', 'e5m2', 's32', 's8', 'u8', 'b1'])
  needArchitecture(ctx)
  needTogether(ctx, 'wgmma.mma_async', one)
  const shape = shapeOf(ctx, one.shape)
  const sparse = one.sparse !== undefined
  const { d, a, b, K: denseK } = kindOf(ctx, types)
  if (sparse && a === 'b1') ctx.error('wgmma.mma_async.sp is not for .b1')
  if (sparse) since(ctx, 'wgmma.mma_async.sp', 8.2)
  const K = sparse ? 2 * denseK : denseK
  const integer = d === 's32'
  checkShape(ctx, shape, one.shape!, K, integer)
  if (one.saturate && (!integer || a === 'b1')) ctx.error('wgmma.mma_async: .satfinite is for .s8 and .u8')
  if ((a === 'b1') !== (one.operation === 'and' && one.count === 'popc') || (a !== 'b1' && (one.operation ?? one.count))) ctx.error(a === 'b1' ? 'wgmma.mma_async of .b1 needs .and.popc' : `wgmma.mma_async: .${one.operation ?? one.count} is for .b1`)
  const m = operands(s, ctx, shape, d, a as Multiply['a'], b as Multiply['b'], { saturate: one.saturate !== undefined, sparse })
  return { ...wholeWarp((w) => arrive(w, m)), touchesMemory: true, tensorFlop: (2 * shape.M * shape.N * shape.K) / 4, finish: waitInMoves }
}

function needArchitecture(ctx: DecodeContext): void {
  since(ctx, 'wgmma', 8.0, 90)
  if (ctx.sm !== 90 || ctx.smSuffix !== 'a') ctx.error(`wgmma needs sm_90a, this is sm_${ctx.sm}${ctx.smSuffix}`)
}

function operands(s: Statement, ctx: DecodeContext, shape: Shape, kind: Accumulator, a: Multiply['a'], b: Multiply['b'], { saturate, sparse }: { saturate: boolean; sparse: boolean }): Multiply {
  const [dOperand, aOperand, bOperand, ...more] = s.operands
  const [scaleD, ...flags] = sparse ? more.slice(2) : more
  const inRegisters = aOperand?.kind === 'vector'
  const transposes = a === 'f16' || a === 'bf16'
  const numFlags = kind === 's32' ? 0 : transposes ? (inRegisters ? 3 : 4) : 2
  ctx.operands((sparse ? 6 : 4) + numFlags)
  const registers = kind === 'f16' ? shape.N / 4 : shape.N / 2
  const type = kind === 'f32' ? 'f32' : 'b32'
  const dSlots = ctx.dstVector(dOperand, type, registers)
  ctx.srcVector(dOperand, type, registers)
  const flag = (o: Operand, what: string, allowed: readonly number[]) => {
    const value = ctx.constant(o, what)
    return allowed.includes(value) ? value : ctx.error(`${what} is ${value}, must be ${allowed.join(' or ')}`, o.at)
  }
  const scales = kind === 's32' ? 1 : flag(flags[0], 'imm-scale-a', [1, -1]) * flag(flags[1], 'imm-scale-b', [1, -1])
  const major = (o: Operand | undefined, what: string) => (o !== undefined && flag(o, what, [0, 1]) ? 'mn' as const : 'k' as const)
  const aMajor = transposes && !inRegisters ? major(flags[2], 'imm-trans-a') : 'k'
  const bMajor = transposes ? major(flags[inRegisters ? 2 : 3], 'imm-trans-b') : 'k'
  const aSlots = inRegisters ? ctx.srcVector(aOperand, 'b32', 4) : null
  // 32 bytes of K, of B 64 where A is sparse; transposed, as many rows of K with 8 elements to a piece.
  const shared = (which: 'k' | 'mn', extent: number, dense: boolean) => (which === 'k' ? new SharedOperand('k', extent, dense ? 2 : 4) : new SharedOperand('mn', dense && sparse ? shape.K / 2 : shape.K, extent / 8))
  return {
    shape, kind, a, b, saturate, negative: scales < 0,
    d: registerSet(ctx, dSlots),
    aRegisters: aSlots && { uses: aSlots.map((slot) => ({ slot, bytes: 128 })), pieces: registerPieces(aSlots, 16) },
    aShared: inRegisters ? null : shared(aMajor, 64, true),
    bShared: shared(bMajor, shape.N, !sparse),
    sparse: sparse ? sparsity(ctx, more[0], more[1], a as ElementName, shape.K) : null,
    descriptors: [...(inRegisters ? [] : [ctx.src(aOperand, 'b64')]), ctx.src(bOperand, 'b64')],
    scaleD: ctx.predicate(scaleD),
  }
}

function sparsity(ctx: DecodeContext, metadata: Operand, selector: Operand, type: ElementName, K: number): Multiply['sparse'] {
  const value = ctx.constant(selector, 'the sparsity selector')
  const most = selectors(type, K)
  if (value < 0 || value >= most) ctx.error(`the sparsity selector is ${value}, must be ${most === 1 ? '0' : `0 to ${most - 1}`}`, selector.at)
  return { metadata: ctx.src(metadata, 'b32'), selector: value }
}

/** A warp comes to the product; the last of the four issues it. */
function arrive(w: Warp, m: Multiply): void {
  const { machine, cta } = w
  const { memory, sanitizer } = machine
  const warpgroup = w.index >> 2
  if (cta.warps.length < 4 * warpgroup + 4 || w.alive !== -1) mismatch(w, `${w.current.name} is for 4 whole warps; warps ${4 * warpgroup} to ${4 * warpgroup + 3} of the block are not all there`)
  const own = productsOf(w)
  if (!own.fenced) {
    sanitizer?.report('async-race', w, lowestLane(w.group.mask), null, 'registers of wgmma.mma_async are not ordered by any wgmma.fence before it')
    own.fenced = true
  }
  const values = descriptors(w, m)
  const waiting = assembling(cta, warpgroup)
  const number = own.issued++
  const known = waiting.get(number)
  if (known) check(w, known, values)
  const product = known ?? begin(w, m, values)
  waiting.set(number, product)
  const handle = sanitizer === null ? null : declare(w, m, product)
  const words = m.sparse && (w.base + m.sparse.metadata) >> 2
  const flags = (readPredicate(memory, w.base, m.scaleD) !== 0 ? adds : 0) | (m.saturate ? saturates : 0)
  product.parts[w.index & 3] = { warp: w, base: w.base, lent: true, flags, handle, metadata: words === null ? null : memory.u32.slice(words, words + 32) }
  own.open.push(product)
  own.lend(m.d, w.base, product.workspace, memory)
  if (absent(product).length > 0) return
  waiting.delete(number)
  product.complete = true
  machine.agents.issue(product.op)
}

function begin(w: Warp, m: Multiply, values: readonly number[]): Product {
  const { a, b } = piecesFor(m, values)
  for (const pieces of [a, b]) if (pieces) checkInside(w, pieces)
  const product: Product = {
    instruction: w.current, parts: [], descriptors: values, accumulator: m.d, workspace: workspaceFor(w, m), complete: false,
    op: {
      what: w.current.name, warp: w, lane: 0, instruction: w.current, order: `wgmma ${w.cta.index} ${w.index >> 2}`, done: false,
      perform: () => perform(m, product, a?.offsets ?? null, b.offsets),
    },
  }
  return product
}

function piecesFor(m: Multiply, values: readonly number[]): { a: Pieces | null; b: Pieces } {
  if (m.aShared === null) return { a: null, b: m.bShared.pieces(values[0], values[1]) }
  return { a: m.aShared.pieces(values[0], values[1]), b: m.bShared.pieces(values[2], values[3]) }
}

function checkInside(w: Warp, { end }: Pieces): void {
  const { machine, cta } = w
  if (end <= cta.sharedBytes) return
  const address = showAddress(0, end - 16)
  machine.sanitizer?.badAddress(w, 0, 'shared', BigInt(end - 16), 16)
  machine.fault('illegal-address', `the matrix of ${w.current.name} reaches address ${address}, outside shared memory of ${cta.sharedBytes} bytes`, w, 0, { space: 'shared', address })
}

/** What this warp's part reads, and its registers. */
function declare(w: Warp, m: Multiply, { op, descriptors: values }: Product): AsyncHandle {
  const sanitizer = w.machine.sanitizer!
  const { a, b } = piecesFor(m, values)
  const part: AsyncOp = { what: op.what, warp: w, lane: 0, instruction: op.instruction, order: op.order, whole: op, get done() { return op.done }, perform() { /* the whole product's */ } }
  const handle = sanitizer.asyncIssue(part, 'async', [...(a === null ? [] : m.aShared!.rowsOf(a, w.index & 3).ranges(w.cta)), ...b.ranges(w.cta)])
  sanitizer.asyncRegisters(w, handle, m.d.uses, 'write')
  if (m.aRegisters) sanitizer.asyncRegisters(w, handle, m.aRegisters.uses, 'read')
  return handle
}

const workspaceFor = (w: Warp, m: Multiply): Workspace => workspaceOf(w.machine, m.a === 'b1' || m.b === 'b1' ? { wgmma: true, a: 'u8', b: 'u8' } : { wgmma: true, a: m.a, b: m.b })

function check(w: Warp, p: Product, values: readonly number[]): void {
  if (p.instruction !== w.current) {
    const { line } = p.instruction.statement.at
    mismatch(w, `warp ${w.index} executes ${w.current.name} in line ${w.current.statement.at.line} where others of its warpgroup execute ${p.instruction.name} in line ${line}`)
  }
  for (let i = 0; i < values.length; i++) if (values[i] !== p.descriptors[i]) mismatch(w, `warp ${w.index} brings other descriptors to ${w.current.name} than others of its warpgroup`)
}

/** Both words of each descriptor. They are the same in all lanes of a correct program. */
function descriptors(w: Warp, m: Multiply): number[] {
  const { memory, sanitizer } = w.machine
  const { u32 } = memory
  const values: number[] = []
  for (const slot of m.descriptors) {
    const at = (w.base + slot) >> 2
    const [low, high] = [u32[at], u32[at + 1]]
    values.push(low, high)
    if (sanitizer === null) continue
    for (let lane = 1; lane < 32; lane++) if (u32[at + 2 * lane] !== low || u32[at + 2 * lane + 1] !== high) mismatch(w, `lanes 0 and ${lane} bring different descriptors to ${w.current.name}`)
  }
  return values
}

const simple = (form: string, numOperands: number, make: (s: Statement, ctx: DecodeContext) => Decoded): Decoder => (s, ctx) => {
  const { one } = matrixModifiers(ctx, { ...together, form: [form] }, [])
  needArchitecture(ctx)
  needTogether(ctx, `wgmma.${form}`, one)
  ctx.operands(numOperands)
  return make(s, ctx)
}

const waitGroup = (s: Statement, ctx: DecodeContext): Decoded => {
  const left = ctx.constant(s.operands[0], 'the number of groups')
  if (left < 0) ctx.error(`wgmma.wait_group ${left}; the number must be 0 or more`, s.operands[0].at)
  const together = wholeWarp((w, mask) => { while (productsOf(w).closed.length > left) retire(w, mask, productsOf(w).closed.shift()!) })
  return {
    control(w, g, mask) {
      const { closed } = productsOf(w)
      let missing: Product | undefined
      if (mask !== 0) for (let i = 0; i < closed.length - left; i++) missing ??= closed[i].find((p) => !p.complete)
      if (missing) {
        const late = missing
        const names = absent(late).map((i) => (w.index & ~3) + i)
        g.wait = { what: `wgmma.wait_group: warp ${names.join(', ')} of the warpgroup has not executed ${late.instruction.name} of line ${late.instruction.statement.at.line}`, alsoReport: 'barrier-divergence', ready: () => late.complete }
        return RETRY
      }
      return together.control!(w, g, mask)
    },
  }
}

/** The products of one group are done: their registers are the warp's again. */
function retire(w: Warp, mask: number, group: readonly Product[]): void {
  const { agents, sanitizer, memory } = w.machine
  const own = productsOf(w)
  for (const p of group) {
    agents.force(p.op)
    const part = p.parts[w.index & 3]!
    if (part.handle !== null) sanitizer!.asyncObserved(w, mask, part.handle, false)
    own.giveBack(p, part, memory)
  }
}

export const wgmma: Chapter = {
  'wgmma.mma_async': decode,
  'wgmma.fence': simple('fence', 0, () => wholeWarp((w) => { productsOf(w).fenced = true })),
  'wgmma.commit_group': simple('commit_group', 0, () => wholeWarp((w) => { const own = productsOf(w); own.closed.push(own.open); own.open = [] })),
  'wgmma.wait_group': simple('wait_group', 1, waitGroup),
}
