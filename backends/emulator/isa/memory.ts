// Loads and stores (PTX ISA 9.7.9): ld, ldu, st, prefetch.
import type { Chapter, DecodeContext, Decoder } from '../decode.ts'
import type { Order, Scope, Warp } from '../machine.ts'
import { resolve, linear, settle, spaceModifier, type Access } from './addresses.ts'

const spaces = ['global', 'shared', 'shared::cta', 'shared::cluster', 'local', 'param', 'param::entry', 'param::func', 'const'] as const
const types = ['b8', 'b16', 'b32', 'b64', 'b128', 'u8', 'u16', 'u32', 'u64', 's8', 's16', 's32', 's64', 'f32', 'f64'] as const

/** [.weak | .volatile | .relaxed.scope | .acquire/.release.scope] */
function ordering(ctx: DecodeContext, strong: 'acquire' | 'release'): { order: Order; scope: Scope } {
  if (ctx.modifiers.flag('weak')) return { order: 'weak', scope: 'cta' }
  if (ctx.modifiers.flag('volatile')) return { order: 'relaxed', scope: 'sys' }
  ctx.modifiers.flag('mmio')
  const order = ctx.modifiers.oneOf(['relaxed', strong] as const)
  return order ? { order, scope: ctx.modifiers.need(['cta', 'cluster', 'gpu', 'sys'] as const, 'scope') } : { order: 'weak', scope: 'cta' }
}

/** Hints about caches change nothing here. */
function hints(ctx: DecodeContext): boolean {
  let policy = false
  for (;;) {
    const m = ctx.modifiers.peek()
    if (m === undefined) return policy
    if (/^(ca|cg|cs|cv|lu|wb|wt|nc|unified|L1::(evict_(normal|unchanged|first|last)|no_allocate)|L2::(evict_\w+|64B|128B|256B|cache_hint))$/.test(m)) {
      policy ||= m === 'L2::cache_hint'
      ctx.modifiers.flag(m)
    } else return policy
  }
}

function shape(ctx: DecodeContext): { type: typeof types[number]; count: number; bytes: number } {
  const vector = ctx.modifiers.oneOf(['v2', 'v4'] as const)
  if (ctx.modifiers.peek() === 'v8') ctx.error('.v8 needs sm_100')
  const type = ctx.modifiers.need(types, 'type')
  const count = vector ? Number(vector[1]) : 1
  const bytes = Number(type.slice(1)) / 8
  if (bytes * count > 16) ctx.error(`.${vector} .${type} is wider than 16 bytes`)
  return { type, count, bytes }
}

const load: Decoder = (s, ctx) => {
  const { order, scope } = ordering(ctx, 'acquire')
  const space = spaceModifier(ctx, spaces)
  const policy = hints(ctx)
  const { type, count, bytes } = shape(ctx)
  ctx.operands(policy ? 3 : 2)
  const slots = ctx.dstVector(s.operands[0], type, count, { wide: true })
  const first = s.operands[0].kind === 'vector' ? s.operands[0].elements.find((o) => o.kind === 'reg') ?? s.operands[0] : s.operands[0]
  const own = Math.max(ctx.registerBytes(first) || bytes, bytes)
  const at = ctx.address(s.operands[1])
  const isEntry = at.variable !== null && ctx.isKernelParameter(at.variable)
  const access: Access = { space: settle(space, at, isEntry), kind: 'read', bytes: bytes * count, order, scope }
  const signed = type[0] === 's'
  return { touchesMemory: access.space !== 'param', exec: (w, mask) => read(w, mask, resolve(w, mask, at, access), slots, bytes, own, signed) }
}

/** Lanes held back read 0. Slots: 32-bit words zero-extended, 64-bit pairs, 128-bit quads. */
function read(w: Warp, mask: number, allowed: number, slots: readonly number[], bytes: number, own: number, signed: boolean): void {
  const { u8, u16, u32 } = w.machine.memory
  const words = Math.max(1, own / 4)
  for (let i = 0; i < slots.length; i++) {
    const to = (w.base + slots[i]) >> 2
    for (let lane = 0, m = mask; m !== 0; lane++, m >>>= 1) {
      if (!(m & 1)) continue
      const ok = (allowed >>> lane) & 1
      const from = linear[lane] + i * bytes
      let low = !ok ? 0 : bytes === 1 ? u8[from] : bytes === 2 ? u16[from >> 1] : u32[from >> 2]
      if (signed && bytes < 4) low = bytes === 1 ? (low << 24) >> 24 : (low << 16) >> 16
      // A narrow register's slot is zero-extended.
      u32[to + lane * words] = own === 1 ? low & 0xff : own === 2 ? low & 0xffff : low
      for (let k = 1; k < words; k++) u32[to + lane * words + k] = !ok ? 0 : 4 * k < bytes ? u32[(from >> 2) + k] : signed && (low | 0) < 0 ? 0xffffffff : 0
    }
  }
}

const store: Decoder = (s, ctx) => {
  if (ctx.modifiers.peek() === 'async') ctx.error('st.async is not emulated yet')
  const { order, scope } = ordering(ctx, 'release')
  const space = spaceModifier(ctx, spaces)
  const policy = hints(ctx)
  const { type, count, bytes } = shape(ctx)
  ctx.operands(policy ? 3 : 2)
  const at = ctx.address(s.operands[0])
  const elements = s.operands[1].kind === 'vector' ? s.operands[1].elements : [s.operands[1]]
  const slots = ctx.srcVector(s.operands[1], type, count, { wide: true })
  const strides = slots.map((_, i) => Math.max(4, ctx.registerBytes(elements[i] ?? elements[0]), bytes))
  const isEntry = at.variable !== null && ctx.isKernelParameter(at.variable)
  const access: Access = { space: settle(space, at, isEntry), kind: 'write', bytes: bytes * count, order, scope }
  return {
    touchesMemory: true,
    exec(w, mask) {
      const allowed = resolve(w, mask, at, access)
      const { u8, u16, u32 } = w.machine.memory
      for (let lane = 0, m = allowed; m !== 0; lane++, m >>>= 1) {
        if (!(m & 1)) continue
        for (let i = 0; i < slots.length; i++) {
          const from = (w.base + slots[i] + lane * strides[i]) >> 2
          const to = linear[lane] + i * bytes
          if (bytes === 1) u8[to] = u32[from]
          else if (bytes === 2) u16[to >> 1] = u32[from]
          else for (let k = 0; k < bytes; k += 4) u32[(to + k) >> 2] = u32[from + (k >> 2)]
        }
      }
    },
  }
}

export const memory: Chapter = {
  ld: load,
  ldu: load,
  st: store,
  prefetch(s, ctx) {
    ctx.modifiers.oneOf(['global', 'local', 'const', 'param'] as const)
    ctx.modifiers.need(['L1', 'L2', 'L2::evict_last', 'L2::evict_normal', 'tensormap'] as const, 'level')
    ctx.operands(1)
    ctx.address(s.operands[0])
    return { exec() { /* caches are not modelled */ } }
  },
}
