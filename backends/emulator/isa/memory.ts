// Loads and stores (PTX ISA 9.7.9): ld, ldu, st in all spaces, types and vectors.
import type { Operand } from '../ast.ts'
import type { Chapter, DecodeContext, Decoder } from '../decode.ts'
import type { Exec, Slot } from '../machine.ts'
import { addressSpace } from './address_space.ts'
import { isOwnBlock, linear, resolve, spaceOf, type Access } from './addresses.ts'
import { caches } from './caches.ts'
import { memoryModifiers, type MemoryType } from './memory_modifiers.ts'

/** One element: its slot, and the bytes that the slot keeps for each lane (4, 8 or 16). */
interface Element { readonly slot: Slot; readonly stride: number; /** Bytes of the register: a narrow one is cut. */ readonly own: number }

/** The registers of a vector operand, one by one; a vector register stands for its components. */
function operandsOf(operand: Operand): readonly Operand[] {
  if (operand.kind === 'vector') return operand.elements
  const n = operand.kind === 'reg' && operand.component === null ? operand.variable.vector : 1
  return n === 1 ? [operand] : Array.from({ length: n }, (_, component) => ({ ...operand, component }) as Operand)
}

/** Registers of ld and st may be wider than the type, but integers do not go with float registers (PTX ISA 9.4.1). */
function checkRegister(ctx: DecodeContext, o: Operand, type: MemoryType): void {
  if (o.kind !== 'reg' || type[0] === 'b') return
  const kind = o.variable.type[0]
  const fits = type[0] === 'f' ? kind === 'b' || (kind === 'f' && ctx.registerBytes(o) === Number(type.slice(1)) / 8) : kind !== 'f'
  if (!fits) ctx.error(`${o.variable.name} is .${o.variable.type}, an access of .${type} needs another kind of register`, o.at)
}

function elements(ctx: DecodeContext, operand: Operand, type: MemoryType, count: number, bytes: number, loading: boolean): Element[] {
  const all = operandsOf(operand)
  if (all.length !== count) ctx.error(`${all.length} elements where ${count} are needed`, operand.at)
  const widths = new Set(all.map((o) => ctx.registerBytes(o)).filter((n) => n > 0))
  if (widths.size > 1) ctx.error('the registers of a vector must be of one size', operand.at)
  return all.map((o) => {
    checkRegister(ctx, o, type)
    if (loading ? o.kind === 'sink' && count === 1 : o.kind === 'sink' || o.kind === 'special' || o.kind === 'symbol') ctx.error(`a register${loading ? '' : ' or constant'} is needed here`, o.at)
    const slot = loading ? ctx.dst(o, type, { wide: true }) : ctx.src(o, type, { wide: true })
    const own = Math.max(ctx.registerBytes(o), bytes)
    return { slot, own, stride: Math.max(4, own) }
  })
}

function policyOperand(ctx: DecodeContext, operands: readonly Operand[], has: boolean): void {
  ctx.operands(has ? 3 : 2)
  if (has) ctx.src(operands[2], 'b64')
}

const load = (opcode: 'ld' | 'ldu'): Decoder => (s, ctx) => {
  const m = memoryModifiers(ctx, opcode)
  policyOperand(ctx, s.operands, m.policy)
  const to = elements(ctx, s.operands[0], m.type, m.count, m.bytes, true)
  const at = ctx.address(s.operands[1])
  const access: Access = { space: spaceOf(ctx, m.space, at), kind: 'read', bytes: m.bytes * m.count, order: m.order, scope: m.scope, ownBlock: isOwnBlock(m.space) }
  const parts = to.map((e, i): Part => readPart(e, i * m.bytes, m.bytes, m.type[0] === 's'))
  return {
    touchesMemory: access.space !== 'param',
    exec(w, mask) {
      const allowed = resolve(w, mask, at, access)
      for (let i = 0; i < parts.length; i++) parts[i](w, allowed)
      // Lanes that the sanitizer held back read zero.
      if (allowed !== mask) for (const { slot, stride } of to) clear(w.machine.memory.u8, w.base + slot, stride, mask & ~allowed)
    },
  }
}

function clear(bytes: Uint8Array, at: number, stride: number, mask: number): void {
  for (let lane = 0, m = mask; m !== 0; lane++, m >>>= 1) if (m & 1) bytes.fill(0, at + lane * stride, at + (lane + 1) * stride)
}

/** Moves one element between the lanes' places in `linear` and its slot. */
type Part = Exec

/** `offset`: of the element in the vector. Registers wider than the type are zero- or sign-extended. */
function readPart({ slot, stride, own }: Element, offset: number, bytes: number, signed: boolean): Part {
  if (bytes === 4 && stride === 4) {
    return (w, mask) => {
      const { u32 } = w.machine.memory
      const [to, part] = [(w.base + slot) >> 2, offset >> 2]
      if (mask === -1) { for (let lane = 0; lane < 32; lane++) u32[to + lane] = u32[(linear[lane] >>> 2) + part]; return }
      for (let lane = 0, m = mask; m !== 0; lane++, m >>>= 1) if (m & 1) u32[to + lane] = u32[(linear[lane] >>> 2) + part]
    }
  }
  if (bytes >= 4) {
    const [words, given] = [stride >> 2, bytes >> 2]
    return (w, mask) => {
      const { u32, i32 } = w.machine.memory
      const [to, part] = [(w.base + slot) >> 2, offset >> 2]
      for (let lane = 0, m = mask; m !== 0; lane++, m >>>= 1) {
        if (!(m & 1)) continue
        const [from, at] = [(linear[lane] >>> 2) + part, to + lane * words]
        for (let k = 0; k < given; k++) u32[at + k] = u32[from + k]
        const rest = signed ? i32[from + given - 1] >> 31 : 0
        for (let k = given; k < words; k++) i32[at + k] = rest
      }
    }
  }
  const words = stride >> 2
  // A register of 8 or 16 bits keeps zeros above its value.
  const keep = own === 1 ? 0xff : own === 2 ? 0xffff : -1
  return (w, mask) => {
    const { u8, u16, i32, i8, i16 } = w.machine.memory
    const to = (w.base + slot) >> 2
    for (let lane = 0, m = mask; m !== 0; lane++, m >>>= 1) {
      if (!(m & 1)) continue
      const from = linear[lane] + offset
      const value = bytes === 1 ? (signed ? i8[from] : u8[from]) : signed ? i16[from >>> 1] : u16[from >>> 1]
      i32[to + lane * words] = value & keep
      for (let k = 1; k < words; k++) i32[to + lane * words + k] = value >> 31
    }
  }
}

function writePart({ slot, stride }: Element, offset: number, bytes: number): Part {
  if (bytes === 4 && stride === 4) {
    return (w, mask) => {
      const { u32 } = w.machine.memory
      const [from, part] = [(w.base + slot) >> 2, offset >> 2]
      if (mask === -1) { for (let lane = 0; lane < 32; lane++) u32[(linear[lane] >>> 2) + part] = u32[from + lane]; return }
      for (let lane = 0, m = mask; m !== 0; lane++, m >>>= 1) if (m & 1) u32[(linear[lane] >>> 2) + part] = u32[from + lane]
    }
  }
  const words = stride >> 2
  return (w, mask) => {
    const { u8, u16, u32 } = w.machine.memory
    for (let lane = 0, m = mask; m !== 0; lane++, m >>>= 1) {
      if (!(m & 1)) continue
      const from = ((w.base + slot) >> 2) + lane * words
      const to = linear[lane] + offset
      if (bytes === 1) u8[to] = u32[from]
      else if (bytes === 2) u16[to >>> 1] = u32[from]
      else for (let k = 0; k < bytes; k += 4) u32[(to + k) >>> 2] = u32[from + (k >> 2)]
    }
  }
}

const store: Decoder = (s, ctx) => {
  if (ctx.modifiers.peek() === 'async') ctx.error('st.async is not emulated yet')
  const m = memoryModifiers(ctx, 'st')
  policyOperand(ctx, s.operands, m.policy)
  const at = ctx.address(s.operands[0])
  if (at.variable !== null && ctx.isKernelParameter(at.variable)) ctx.error(`${at.variable.name} is a parameter of the kernel, which is read only`, s.operands[0].at)
  const from = elements(ctx, s.operands[1], m.type, m.count, m.bytes, false)
  const access: Access = { space: spaceOf(ctx, m.space, at), kind: 'write', bytes: m.bytes * m.count, order: m.order, scope: m.scope, ownBlock: isOwnBlock(m.space), stored: { slots: from.map((e) => e.slot), stride: from[0].stride, bytes: m.bytes } }
  const parts = from.map((e, i) => writePart(e, i * m.bytes, m.bytes))
  return {
    touchesMemory: true,
    exec(w, mask) {
      const allowed = resolve(w, mask, at, access)
      if (allowed !== 0) for (let i = 0; i < parts.length; i++) parts[i](w, allowed)
    },
  }
}

export const memory: Chapter = { ld: load('ld'), ldu: load('ldu'), st: store, ...caches, ...addressSpace }
