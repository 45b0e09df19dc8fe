// Loads and stores of global and shared memory without the sanitizer. Addresses of all lanes are checked as vectors first; a
// lane in doubt (another window, misaligned, outside) sends the whole instruction to the interpreter, which knows the rest.
import type { Operand, Statement, Variable } from '../ast.ts'
import { GLOBAL_HIGH, type Slot } from '../machine.ts'
import { highWords, lowWords } from './emit_integer.ts'
import { load, maskOf4, type Lanes } from './lanes.ts'
import { op, simd } from './wasm_encoder.ts'

export interface AddressOperand { readonly slot: Slot; readonly wide: boolean; readonly offset: number; readonly variable: Variable | null }

/** What memory emitters know beside the lanes. */
export interface MemoryLanes extends Lanes {
  addressOf(operand: Operand): AddressOperand | undefined
  /** Locals: linear address and size of the block's shared memory. */
  readonly sharedBase: number
  readonly sharedBytes: number
  /**
   * Linear address of two words for this instruction: first and last byte of the allocation it touched last. The interpreter's
   * run refreshes them.
   */
  site(): number
}

interface Shape { space: 'shared' | 'global'; elementBytes: number; count: number; signed: boolean }

const ignorable = /^(weak|nc|ca|cg|cs|lu|cv|wb|wt|L1::\w+|L2::\d+B)$/

/** undefined: a form that is left to the interpreter. */
function shapeOf(s: Statement): Shape | undefined {
  const m = s.modifiers.filter((x) => !ignorable.test(x))
  const space = m[0] === 'shared' || m[0] === 'shared::cta' ? 'shared' : m[0] === 'global' ? 'global' : undefined
  const type = m[m.length - 1]
  const vector = m.length === 3 ? m[1] : undefined
  if (!space || m.length > 3 || (vector !== undefined && vector !== 'v2' && vector !== 'v4')) return undefined
  const bits = /^[subf](8|16|32|64)$/.exec(type)?.[1]
  if (!bits) return undefined
  return { space, elementBytes: Number(bits) / 8, count: vector ? Number(vector[1]) : 1, signed: type[0] === 's' && Number(bits) < 32 }
}

/** Linear addresses into vectors 0-7, doubt into vector 8. */
function addresses(lanes: MemoryLanes, at: AddressOperand, shape: Shape, site: number): void {
  const { code, vectors, mask, words: [first, last] } = lanes
  const doubt = vectors[8]
  const bytes = shape.elementBytes * shape.count
  if (shape.space === 'shared') {
    code.get(lanes.sharedBytes).i32(bytes).op(op.i32_sub).set(last)
    // A block with less shared memory than one access: everything is outside.
    code.get(lanes.sharedBytes).i32(bytes).op(op.i32_lt_u).if()
    code.i32(0).set(last).vConst32(-1).set(doubt).else().vConst32(0).set(doubt).end()
  } else {
    code.i32(site).i32Load(0).set(first).i32(site).i32Load(4).i32(bytes).op(op.i32_sub).set(last)
    code.vConst32(0).set(doubt)
  }
  for (let v = 0; v < 8; v++) {
    const a = vectors[v]
    if (at.wide) {
      load(lanes, at.slot, 2 * v); load(lanes, at.slot, 2 * v + 1); code.shuffle(lowWords)
    } else load(lanes, at.slot, v)
    if (at.offset) code.vConst32(at.offset).simd(simd.i32x4_add)
    code.set(a)
    code.get(doubt)
    if (at.wide) {
      load(lanes, at.slot, 2 * v); load(lanes, at.slot, 2 * v + 1)
      code.shuffle(highWords).vConst32(shape.space === 'shared' ? 0 : GLOBAL_HIGH).simd(simd.i32x4_ne)
      if (mask !== null) { maskOf4(lanes, v); code.simd(simd.and) }
      code.simd(simd.or)
    }
    code.get(a).get(last).simd(simd.i32x4_splat).simd(simd.i32x4_gt_u)
    if (shape.space === 'global') code.get(a).get(first).simd(simd.i32x4_splat).simd(simd.i32x4_lt_u).simd(simd.or)
    if (bytes > 1) code.get(a).vConst32(bytes - 1).simd(simd.and).vConst32(0).simd(simd.i32x4_ne).simd(simd.or)
    if (mask !== null) { maskOf4(lanes, v); code.simd(simd.and) }
    code.simd(simd.or).set(doubt)
    if (shape.space === 'shared') code.get(a).get(lanes.sharedBase).simd(simd.i32x4_splat).simd(simd.i32x4_add).set(a)
  }
}

/** On the stack: 1 if the 32 addresses follow each other in steps of 4 bytes. */
function contiguous({ code, vectors }: MemoryLanes): void {
  code.get(vectors[0]).extract32(0).simd(simd.i32x4_splat).vConst32(0, 4, 8, 12).simd(simd.i32x4_add).set(vectors[9])
  for (let v = 0; v < 8; v++) {
    code.get(vectors[v]).get(vectors[9])
    if (v) code.vConst32(16 * v).simd(simd.i32x4_add)
    code.simd(simd.i32x4_eq)
    if (v) code.simd(simd.and)
  }
  code.simd(simd.i32x4_all_true)
}

function forEachLane(lanes: MemoryLanes, body: (lane: number) => void): void {
  const { code, mask } = lanes
  for (let lane = 0; lane < 32; lane++) {
    if (mask !== null) code.get(mask).i32(1 << lane).op(op.i32_and).if()
    body(lane)
    if (mask !== null) code.end()
  }
}

function elements(o: Operand): readonly Operand[] { return o.kind === 'vector' ? o.elements : [o] }

function access(s: Statement, lanes: MemoryLanes, storing: boolean): boolean {
  const shape = shapeOf(s)
  if (!shape || s.operands.length !== 2) return false
  const values = elements(s.operands[storing ? 1 : 0])
  const slots = values.map((o) => lanes.slotOf(o))
  const at = lanes.addressOf(s.operands[storing ? 0 : 1])
  if (!at || values.length !== shape.count || slots.some((x) => x === undefined) || !registersFit(values, shape, storing)) return false
  const { code, base, vectors, mask } = lanes
  addresses(lanes, at, shape, shape.space === 'global' ? lanes.site() : 0)
  code.get(vectors[8]).simd(simd.any_true).if()
  lanes.interpret()
  code.else()
  const whole = mask === null && shape.elementBytes === 4 && shape.count === 1
  if (whole) {
    contiguous(lanes)
    code.if()
    code.get(vectors[0]).extract32(0).set(lanes.words[2])
    for (let v = 0; v < 8; v++) {
      if (storing) { code.get(lanes.words[2]); load(lanes, slots[0]!, v); code.vStore(16 * v) }
      else code.get(base).get(lanes.words[2]).vLoad(16 * v).vStore(slots[0]! + 16 * v)
    }
    code.else()
  }
  const width = shape.elementBytes === 8 ? 8 : 4
  const address = (lane: number) => code.get(vectors[lane >> 2]).extract32(lane & 3)
  forEachLane(lanes, (lane) => slots.forEach((slot, i) => {
    const offset = i * shape.elementBytes
    if (storing) {
      address(lane); code.get(base)
      if (width === 8) code.i64Load(slot! + 8 * lane).i64Store(offset)
      else {
        code.i32Load(slot! + 4 * lane)
        if (shape.elementBytes === 4) code.i32Store(offset)
        else if (shape.elementBytes === 2) code.i32Store16(offset)
        else code.i32Store8(offset)
      }
    } else {
      code.get(base); address(lane)
      if (width === 8) code.i64Load(offset).i64Store(slot! + 8 * lane)
      else {
        if (shape.elementBytes === 4) code.i32Load(offset)
        else if (shape.elementBytes === 2) code.i32Load16(shape.signed, offset)
        else code.i32Load8(shape.signed, offset)
        code.i32Store(slot! + 4 * lane)
      }
    }
  }))
  if (whole) code.end()
  code.end()
  return true
}

/** Registers as wide as their slots here: 64-bit elements in 64-bit registers; a signed narrow load needs a 32-bit register. */
function registersFit(values: readonly Operand[], shape: Shape, storing: boolean): boolean {
  return values.every((o) => {
    if (o.kind !== 'reg') return storing && o.kind !== 'sink'
    const bytes = o.variable.elementBytes / o.variable.vector
    if (shape.elementBytes === 8) return bytes === 8
    return shape.signed && !storing ? bytes === 4 : bytes <= 4
  })
}

export type MemoryEmit = (s: Statement, lanes: MemoryLanes) => boolean
export const memoryEmitters: Readonly<Record<string, MemoryEmit>> = {
  ld: (s, l) => access(s, l, false),
  st: (s, l) => access(s, l, true),
}
