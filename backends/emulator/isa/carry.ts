// Extended-precision integers: add.cc addc sub.cc subc mad.cc madc (PTX ISA 9.7.2). The carry flag of a lane is a bit of one slot.
import type { Decoded, Statement, DecodeContext } from '../decode.ts'
import type { Slot } from '../machine.ts'
import { form, type FormDecoder, type Forms } from './forms.ts'

/** `f(a, b, c, carry)` gives the exact result as a bigint whose bit `size` (or sign) is the new carry. */
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
        // A borrow shows as a negative difference.
        const carry = exact < 0n || exact >> BigInt(size) !== 0n
        flags = carry ? flags | (1 << lane) : flags & ~(1 << lane)
      }
      if (keeps) memory.i32[at] = flags
    },
  }
}

const sum = (useCarry: boolean, sign: 1n | -1n): FormDecoder => (m, s, ctx) => extended(ctx, s, m.type, m.has('cc') || !useCarry, 2, ([a, b], carry) => a + sign * b + (useCarry ? sign * carry : 0n))

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
  'add.cc': forms('', sum(false, 1n)),
  addc: forms('cc?', sum(true, 1n)),
  'sub.cc': forms('', sum(false, -1n)),
  subc: forms('cc?', sum(true, -1n)),
  'mad.lo.cc': forms('', product('lo', false)),
  'mad.hi.cc': forms('', product('hi', false)),
  'madc.lo': forms('cc?', product('lo', true)),
  'madc.hi': forms('cc?', product('hi', true)),
}
