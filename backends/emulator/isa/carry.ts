// Extended-precision integers: add.cc addc sub.cc subc mad.cc madc (PTX ISA 9.7.2). The carry flag of a lane is a bit of one slot.
import type { Chapter, DecodeContext, Decoded, Decoder } from '../decode.ts'
import type { Slot } from '../machine.ts'

/** `f(a, b, c, carry)` gives the exact result as a bigint whose bit `size` (or sign) is the new carry. */
function extended(ctx: DecodeContext, s: Parameters<Decoder>[0], type: string, sources: number, f: (x: readonly bigint[], carry: bigint) => bigint): Decoded {
  ctx.operands(sources + 1)
  const size = Number(type.slice(1))
  const wide = size === 64
  const d = ctx.dst(s.operands[0], type)
  const slots = Array.from({ length: sources }, (_, i) => ctx.src(s.operands[i + 1], type))
  const flag = ctx.carry
  const keeps = ctx.modifiers.all.includes('cc')
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

const types = ['u32', 's32', 'u64', 's64'] as const
const sum = (useCarry: boolean, sign: 1n | -1n): Decoder => (s, ctx) => {
  ctx.modifiers.flag('cc')
  const type = ctx.modifiers.need(types, 'type')
  return extended(ctx, s, type, 2, ([a, b], carry) => a + sign * b + (useCarry ? sign * carry : 0n))
}
const product = (useCarry: boolean): Decoder => (s, ctx) => {
  const part = ctx.modifiers.need(['lo', 'hi'] as const, 'part')
  ctx.modifiers.flag('cc')
  const type = ctx.modifiers.need(types, 'type')
  const size = Number(type.slice(1))
  const half = (a: bigint, b: bigint) => {
    const [x, y] = type[0] === 's' ? [BigInt.asIntN(size, a), BigInt.asIntN(size, b)] : [a, b]
    return BigInt.asUintN(size, part === 'lo' ? x * y : (x * y) >> BigInt(size))
  }
  return extended(ctx, s, type, 3, ([a, b, c], carry) => half(a, b) + c + (useCarry ? carry : 0n))
}

export const carry: Chapter = {
  'add.cc': sum(false, 1n),
  addc: sum(true, 1n),
  'sub.cc': sum(false, -1n),
  subc: sum(true, -1n),
  'mad.lo.cc': product(false),
  'mad.hi.cc': product(false),
  madc: product(true),
}
