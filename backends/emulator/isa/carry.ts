// Extended-precision integers: add.cc addc sub.cc subc mad.cc madc (PTX ISA 9.7.2). The carry flag of a lane is a bit of one slot.
// As on the hardware a difference is a + ~b + 1: it carries where it does not borrow, and nvcc's 128-bit division reads that by addc.
import type { Decoded, Statement, DecodeContext } from '../decode.ts'
import type { Slot } from '../machine.ts'
import { form, type FormDecoder, type Forms } from './forms.ts'

/** `f(a, b, c, carry)` gives the exact sum as a bigint that is not negative; its bit `size` is the new carry. */
function extended(ctx: DecodeContext, s: Statement, type: string, keeps: boolean, sources: number, f: (x: readonly bigint[], carry: bigint) => bigint): Decoded {
  ctx.operands(sources + 1)
  const size = Number(type.slice(1))
  const wide = size === 64
  const d = ctx.dst(s.operands[0], type)
  const slots = Array.from({ length: sources }, (_, i) => ctx.src(s.operands[i + 1], type))
  const flag = ctx.carry
  return {
    exec(w, mask) {
      const memory = w.machine.memory
      const words = (wide ? memory.u64 : memory.u32) as unknown as { [n: number]: number | bigint }
      const place = (slot: Slot) => (w.base + slot) >> (wide ? 3 : 2)
      const at = (w.base + flag) >> 2
      let flags = memory.i32[at]
      for (let lane = 0, m = mask; m !== 0; lane++, m >>>= 1) {
        if (!(m & 1)) continue
        const exact = f(slots.map((slot) => BigInt(words[place(slot) + lane])), BigInt((flags >>> lane) & 1))
        const result = BigInt.asUintN(size, exact)
        words[place(d) + lane] = wide ? result : Number(result)
        const carry = exact >> BigInt(size) !== 0n
        flags = carry ? flags | (1 << lane) : flags & ~(1 << lane)
      }
      if (keeps) memory.i32[at] = flags
    },
  }
}

const sum = (useCarry: boolean): FormDecoder => (m, s, ctx) => extended(ctx, s, m.type, m.has('cc') || !useCarry, 2, ([a, b], carry) => a + b + (useCarry ? carry : 0n))
const difference = (useCarry: boolean): FormDecoder => (m, s, ctx) => {
  const ones = (1n << BigInt(m.type.slice(1))) - 1n
  return extended(ctx, s, m.type, m.has('cc') || !useCarry, 2, ([a, b], carry) => a + (ones - b) + (useCarry ? carry : 1n))
}

const product = (part: 'lo' | 'hi', useCarry: boolean): FormDecoder => (m, s, ctx) => {
  const size = Number(m.type.slice(1))
  const half = (a: bigint, b: bigint) => {
    const [x, y] = m.type[0] === 's' ? [BigInt.asIntN(size, a), BigInt.asIntN(size, b)] : [a, b]
    return BigInt.asUintN(size, part === 'lo' ? x * y : (x * y) >> BigInt(size))
  }
  return extended(ctx, s, m.type, m.has('cc') || !useCarry, 3, ([a, b, c], carry) => half(a, b) + c + (useCarry ? carry : 0n))
}

/** 64 bits came with PTX 4.3. */
const forms = (modifiers: string, decode: FormDecoder) => [form(`${modifiers} .u32|s32`, decode), form(`${modifiers} .u64|s64`, decode, { ptx: 4.3 })]

export const carry: Forms = {
  'add.cc': forms('', sum(false)),
  addc: forms('cc?', sum(true)),
  'sub.cc': forms('', difference(false)),
  subc: forms('cc?', difference(true)),
  'mad.lo.cc': forms('', product('lo', false)),
  'mad.hi.cc': forms('', product('hi', false)),
  'madc.lo': forms('cc?', product('lo', true)),
  'madc.hi': forms('cc?', product('hi', true)),
}
