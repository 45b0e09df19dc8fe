// Advice to caches, which are not modelled: checked and without effect, but for the policies that createpolicy makes.
// prefetch, prefetchu, applypriority, discard, createpolicy (PTX ISA 9.7.9.15-19); multimem is refused.
import type { Operand, Position } from '../ast.ts'
import type { Chapter, DecodeContext, Decoded, Decoder } from '../decode.ts'
import { spaceOf } from './addresses.ts'
import { since, takeAll } from './free_modifiers.ts'

const noEffect: Decoded = { exec() { /* caches are not modelled */ } }

const prefetch: Decoder = (s, ctx) => {
  const t = takeAll(ctx, { space: ['global', 'local', 'const', 'param'], level: ['L1', 'L2', 'L2::evict_last', 'L2::evict_normal', 'tensormap'] })
  if (t.level === undefined) ctx.modifiers.need(['L1', 'L2', 'L2::evict_last', 'L2::evict_normal', 'tensormap'] as const, 'level')
  const map = t.level === 'tensormap'
  if (map) since(ctx, '.tensormap', 8.0, 90)
  if (t.level!.startsWith('L2::')) since(ctx, `.${t.level}`, 7.4, 80)
  const allowed: readonly (string | undefined)[] = map ? [undefined, 'const', 'param'] : t.level!.startsWith('L2::') ? [undefined, 'global'] : [undefined, 'global', 'local']
  if (!allowed.includes(t.space)) ctx.error(`.${t.level} is not for .${t.space}`)
  ctx.operands(1)
  const at = ctx.address(s.operands[0])
  // A tensor map may be named by its parameter without .param.
  if (!(map && t.space === undefined)) spaceOf(ctx, t.space, at)
  return noEffect
}

/** 128 bytes, at an address that is a multiple of it. */
const wholeLine = (level: string): Decoder => (s, ctx) => {
  since(ctx, s.opcode, 7.4, 80)
  const t = takeAll(ctx, { space: ['global'], level: [level] })
  if (t.level === undefined) ctx.modifiers.need([level], 'level')
  ctx.operands(2)
  spaceOf(ctx, t.space, ctx.address(s.operands[0]))
  const size = ctx.constant(s.operands[1], 'the size')
  if (size !== 128) ctx.error(`the size must be 128, not ${size}`, s.operands[1].at)
  return noEffect
}

const primaries = ['L2::evict_last', 'L2::evict_normal', 'L2::evict_first', 'L2::evict_unchanged'] as const

/** The result is opaque: a pattern that tells the forms apart, and is not zero. */
function policy(ctx: DecodeContext, to: Operand, pattern: bigint): Decoded {
  const d = ctx.dst(to, 'b64')
  return {
    exec(w, mask) {
      const { u64 } = w.machine.memory
      for (let lane = 0, m = mask; m !== 0; lane++, m >>>= 1) if (m & 1) u64[((w.base + d) >> 3) + lane] = pattern
    },
  }
}

function priorities(ctx: DecodeContext): bigint {
  const first = ctx.modifiers.need(primaries, 'priority')
  const second = ctx.modifiers.oneOf(['L2::evict_first', 'L2::evict_unchanged'] as const)
  ctx.modifiers.need(['b64'] as const, 'type')
  return (0x10n + BigInt(primaries.indexOf(first))) << 56n | (second === 'L2::evict_first' ? 1n << 52n : 0n)
}

function fraction(ctx: DecodeContext, o: Operand): void {
  if (o.kind === 'float' && !(o.value > 0 && o.value <= 1)) outOfRange(ctx, o.value, o.at)
  ctx.src(o, 'f32')
}
function outOfRange(ctx: DecodeContext, value: number, at: Position): never { return ctx.error(`a fraction of ${value}; it must be above 0 and at most 1`, at) }

const createpolicy: Decoder = (s, ctx) => {
  since(ctx, 'createpolicy', 7.4, 80)
  const form = ctx.modifiers.need(['range', 'fractional', 'cvt'] as const, 'form')
  if (form === 'cvt') {
    if (!ctx.modifiers.flag('L2')) ctx.modifiers.need(['L2'] as const, 'level')
    ctx.modifiers.need(['b64'] as const, 'type')
    ctx.operands(2)
    const [d, a] = [ctx.dst(s.operands[0], 'b64'), ctx.src(s.operands[1], 'b64')]
    return {
      exec(w, mask) {
        const { u64 } = w.machine.memory
        for (let lane = 0, m = mask; m !== 0; lane++, m >>>= 1) if (m & 1) u64[((w.base + d) >> 3) + lane] = u64[((w.base + a) >> 3) + lane]
      },
    }
  }
  if (form === 'fractional') {
    const pattern = priorities(ctx)
    ctx.operands(1, 2)
    if (s.operands[1]) fraction(ctx, s.operands[1])
    return policy(ctx, s.operands[0], pattern)
  }
  const space = ctx.modifiers.oneOf(['global'] as const)
  const pattern = priorities(ctx) | 1n << 48n
  ctx.operands(4)
  spaceOf(ctx, space, ctx.address(s.operands[1]))
  for (const size of s.operands.slice(2)) ctx.src(size, 'u32')
  return policy(ctx, s.operands[0], pattern)
}

export const caches: Chapter = {
  prefetch,
  prefetchu(s, ctx) {
    if (!ctx.modifiers.flag('L1')) ctx.modifiers.need(['L1'] as const, 'level')
    ctx.operands(1)
    spaceOf(ctx, undefined, ctx.address(s.operands[0]))
    return noEffect
  },
  applypriority: wholeLine('L2::evict_normal'),
  discard: wholeLine('L2'),
  createpolicy,
  multimem: (s, ctx) => ctx.error(`${[s.opcode, ...s.modifiers].join('.')} works on memory of several GPUs, which is not emulated`),
}
