// membar, fence in all forms (PTX ISA 9.7.13.5, 9.7.13.6), griddepcontrol. Memory here is sequentially consistent: a fence only
// tells the sanitizer.
import type { Chapter, DecodeContext, Decoded } from '../decode.ts'
import type { Order, Scope } from '../machine.ts'
import { linear, resolve } from './addresses.ts'
import { forLanes } from './lanes.ts'
import { mapAcquired } from './tensormap_proxy.ts'

const scopes = ['cta', 'cluster', 'gpu', 'sys'] as const

function needs(ctx: DecodeContext, what: string, sm: number, version: readonly [number, number]): void {
  if (ctx.sm < sm) ctx.error(`${what} needs sm_${sm}`)
  const [major, minor] = ctx.ptxVersion
  if (major < version[0] || (major === version[0] && minor < version[1])) ctx.error(`${what} needs .version ${version.join('.')}`)
}

const ordered = (order: Order, scope: Scope): Decoded => ({ exec(w, mask) { w.machine.sanitizer?.fence(w, mask, order, scope) } })

function scopeOf(ctx: DecodeContext): Scope {
  const scope = ctx.modifiers.need(scopes, 'scope')
  if (scope === 'cluster') needs(ctx, '.cluster', 90, [7, 8])
  return scope
}

function proxy(s: Parameters<Chapter[string]>[0], ctx: DecodeContext): Decoded {
  const m = ctx.modifiers
  const kind = m.need(['alias', 'async', 'tensormap::generic', 'async::generic'] as const, 'proxy')
  switch (kind) {
    case 'alias':
      needs(ctx, 'fence.proxy.alias', 70, [7, 5])
      ctx.operands(0)
      return { exec() { /* an address has one proxy here */ } }
    case 'async': {
      needs(ctx, 'fence.proxy.async', 90, [8, 0])
      const named = m.oneOf(['global', 'shared::cta', 'shared::cluster'] as const)
      const space = named === undefined ? 'all' : named === 'global' ? 'global' : 'shared'
      ctx.operands(0)
      return { exec(w, mask) { w.machine.sanitizer?.proxyFence(w, mask, space) } }
    }
    case 'tensormap::generic': {
      needs(ctx, 'fence.proxy.tensormap::generic', 90, [8, 3])
      const order = m.need(['release', 'acquire'] as const, 'order')
      const scope = scopeOf(ctx)
      if (order === 'release') { ctx.operands(0); return ordered(order, scope) }
      ctx.operands(2)
      const at = ctx.address(s.operands[0])
      if (ctx.constant(s.operands[1], 'the size') !== 128) ctx.error('the size of a tensor map must be 128', s.operands[1].at)
      return {
        exec(w, mask) {
          const { sanitizer } = w.machine
          if (sanitizer === null) return
          sanitizer.fence(w, mask, order, scope)
          const go = resolve(w, mask, at, { space: 'generic', kind: 'read', bytes: 64, order: 'weak', scope: 'cta', untold: true })
          forLanes(go, (lane) => mapAcquired(w, linear[lane]))
        },
      }
    }
    case 'async::generic': {
      needs(ctx, 'fence.proxy.async::generic', 90, [8, 6])
      const order = m.need(['acquire', 'release'] as const, 'order')
      m.need([order === 'acquire' ? 'sync_restrict::shared::cluster' : 'sync_restrict::shared::cta'] as const, 'restriction')
      m.need(['cluster'] as const, 'scope')
      ctx.operands(0)
      return { exec(w, mask) { const { sanitizer } = w.machine; if (sanitizer) { sanitizer.fence(w, mask, order, 'cluster'); sanitizer.proxyFence(w, mask, 'all') } } }
    }
  }
}

export const fences: Chapter = {
  membar(_, ctx) {
    if (ctx.modifiers.flag('proxy')) {
      ctx.modifiers.need(['alias'] as const, 'proxy')
      needs(ctx, 'membar.proxy', 70, [7, 5])
      ctx.operands(0)
      return { exec() { /* an address has one proxy here */ } }
    }
    const level = ctx.modifiers.need(['cta', 'gl', 'sys'] as const, 'level')
    ctx.operands(0)
    return ordered('sc', level === 'gl' ? 'gpu' : level)
  },
  fence(s, ctx) {
    const m = ctx.modifiers
    needs(ctx, 'fence', 70, [6, 0])
    if (m.flag('proxy')) return proxy(s, ctx)
    ctx.operands(0)
    if (m.flag('mbarrier_init')) {
      needs(ctx, 'fence.mbarrier_init', 90, [8, 0])
      m.need(['release'] as const, 'order')
      m.need(['cluster'] as const, 'scope')
      return ordered('release', 'cluster')
    }
    const order = m.oneOf(['sc', 'acq_rel', 'acquire', 'release'] as const) ?? 'acq_rel'
    if (order === 'acquire' || order === 'release') {
      const restricted = m.oneOf([order === 'acquire' ? 'sync_restrict::shared::cluster' : 'sync_restrict::shared::cta'] as const)
      if (restricted) {
        needs(ctx, `.${restricted}`, 90, [8, 6])
        m.need(['cluster'] as const, 'scope')
        return ordered(order, 'cluster')
      }
    }
    return ordered(order, scopeOf(ctx))
  },
  griddepcontrol(_, ctx) {
    needs(ctx, 'griddepcontrol', 90, [7, 8])
    // Launches here run one after the other: what this grid depends on has ended.
    ctx.modifiers.need(['launch_dependents', 'wait'] as const, 'action')
    ctx.operands(0)
    return { exec() { /* nothing to wait for */ } }
  },
}
