// Modifiers of ld, ldu and st: which stand together, and from which PTX version and target on (PTX ISA 9.7.9.8-11).
import type { DecodeContext } from '../decode.ts'
import type { Order, Scope } from '../machine.ts'
import { since, takeAll } from './free_modifiers.ts'

export const scopes = ['cta', 'cluster', 'gpu', 'sys'] as const
export const memoryTypes = ['b8', 'b16', 'b32', 'b64', 'b128', 'u8', 'u16', 'u32', 'u64', 's8', 's16', 's32', 's64', 'f32', 'f64'] as const
export type MemoryType = typeof memoryTypes[number]

const shared = ['shared', 'shared::cta', 'shared::cluster'] as const
const evictL1 = ['L1::evict_normal', 'L1::evict_unchanged', 'L1::evict_first', 'L1::evict_last', 'L1::no_allocate'] as const
const evictL2 = ['L2::evict_normal', 'L2::evict_first', 'L2::evict_last'] as const
const common = { mmio: ['mmio'], scope: scopes, policy: ['L2::cache_hint'], evictL1, evictL2, vector: ['v2', 'v4', 'v8'], type: memoryTypes } as const

const kinds = {
  ld: {
    ...common, order: ['weak', 'volatile', 'relaxed', 'acquire'], nc: ['nc'], cache: ['ca', 'cg', 'cs', 'cv', 'lu'], prefetch: ['L2::64B', 'L2::128B', 'L2::256B'],
    space: ['global', ...shared, 'local', 'const', 'param', 'param::entry', 'param::func'],
  },
  st: { ...common, order: ['weak', 'volatile', 'relaxed', 'release'], cache: ['wb', 'cg', 'cs', 'wt'], space: ['global', ...shared, 'local', 'param', 'param::func'] },
  ldu: { vector: ['v2', 'v4'], type: memoryTypes, space: ['global'] },
} as const

export interface MemoryModifiers {
  readonly space: string | undefined
  readonly order: Order
  readonly scope: Scope
  readonly type: MemoryType
  /** Elements, and bytes of each. */
  readonly count: number
  readonly bytes: number
  /** The last operand is a cache policy. */
  readonly policy: boolean
}

type Any = { readonly [N in 'mmio' | 'scope' | 'policy' | 'evictL1' | 'evictL2' | 'order' | 'nc' | 'cache' | 'prefetch' | 'space' | 'vector' | 'type']?: string }

export function memoryModifiers(ctx: DecodeContext, opcode: 'ld' | 'ldu' | 'st'): MemoryModifiers {
  const t: Any = takeAll(ctx, kinds[opcode])
  if (t.type === undefined) ctx.modifiers.need(memoryTypes, 'type')
  checkOrder(ctx, t)
  checkCaches(ctx, t)
  const type = t.type as MemoryType
  const count = t.vector ? Number(t.vector[1]) : 1
  const bytes = Number(type.slice(1)) / 8
  if (bytes * count === 32 && ctx.sm < 100) ctx.error(`${opcode} of 32 bytes (.${t.vector}.${type}) needs sm_100`)
  if (bytes * count > 16 || t.vector === 'v8') ctx.error(`.${t.vector} .${type} is wider than 16 bytes or has more than 4 elements`)
  if (type === 'b128') since(ctx, '.b128', 8.3, 70)
  const order: Order = t.order === 'acquire' || t.order === 'release' ? t.order : t.order === 'relaxed' || t.order === 'volatile' ? t.order : 'weak'
  const scope = t.order === 'volatile' ? 'sys' : (t.scope as Scope | undefined) ?? 'cta'
  return { space: t.space, order, scope, type, count, bytes, policy: t.policy !== undefined }
}

/** Global, shared, or generic. */
const canBeStrong = (space: string | undefined) => space === undefined || space === 'global' || space.startsWith('shared')

function checkOrder(ctx: DecodeContext, { order, scope, space, mmio, nc, cache, vector }: Any): void {
  const strong = order === 'relaxed' || order === 'acquire' || order === 'release'
  if (strong) {
    since(ctx, `.${order}`, 6.0, 70)
    if (scope === undefined) ctx.error(`.${order} needs a scope: ${scopes.map((s) => `.${s}`).join(' ')}`)
  } else if (scope !== undefined) ctx.error(`scope .${scope} goes with .relaxed, .acquire or .release`)
  if (scope === 'cluster') since(ctx, 'scope .cluster', 7.8, 90)
  if (order === 'weak') since(ctx, '.weak', 6.0)
  if (strong || order === 'volatile') {
    if (!canBeStrong(space)) ctx.error(`.${order} is not for .${space}`)
    if (cache !== undefined) ctx.error(`.${order} and .${cache} exclude each other`)
  }
  if (mmio !== undefined) {
    since(ctx, '.mmio', 8.2, 70)
    if (order !== 'relaxed' || scope !== 'sys') ctx.error('.mmio needs .relaxed.sys')
    if (vector !== undefined) ctx.error(`.mmio and .${vector} exclude each other`)
    if (space !== undefined && space !== 'global') ctx.error(`.mmio is not for .${space}`)
  }
  if (nc !== undefined) {
    if (space !== 'global') ctx.error('.nc needs .global')
    since(ctx, '.nc', 3.1, 32)
    if (order !== undefined) ctx.error(`.nc and .${order} exclude each other`)
    if (cache === 'cv' || cache === 'lu') ctx.error(`.nc and .${cache} exclude each other`)
  }
}

function checkCaches(ctx: DecodeContext, { space, cache, evictL1, evictL2, policy, prefetch }: Any): void {
  for (const hint of [evictL1, evictL2, policy, prefetch]) {
    if (hint === undefined) continue
    if (space !== undefined && space !== 'global') ctx.error(`.${hint} is not for .${space}`)
    if (hint === evictL1 && cache !== undefined) ctx.error(`.${evictL1} and .${cache} exclude each other`)
  }
  if (evictL2 !== undefined) ctx.error(`.${evictL2} is for accesses of 32 bytes, it needs sm_100`)
  if (evictL1 !== undefined) since(ctx, `.${evictL1}`, 7.4, 70)
  if (prefetch !== undefined) since(ctx, `.${prefetch}`, 7.4, prefetch === 'L2::256B' ? 80 : 75)
  if (policy !== undefined) since(ctx, '.L2::cache_hint', 7.4, 80)
}
