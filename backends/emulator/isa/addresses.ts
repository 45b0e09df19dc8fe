// Addresses of all lanes -> linear byte offsets, checked. (PTX ISA 5.1; windows in machine.ts)
import type { Space } from '../ast.ts'
import type { DecodeContext } from '../decode.ts'
import { GLOBAL_HIGH, LOCAL_HIGH, PARAM_HIGH, SHARED_HIGH, type AccessKind, type Order, type Scope, type Warp } from '../machine.ts'
import type { AddressParts } from '../decode_context.ts'

export type AddressSpace = 'global' | 'const' | 'shared' | 'local' | 'param' | 'generic'

/** Linear offset of each lane, valid until the next call. */
export const linear = new Uint32Array(32)

const hex = (high: number, low: number) => `0x${((BigInt(high >>> 0) << 32n) | BigInt(low >>> 0)).toString(16)}`

export interface Access { readonly space: AddressSpace; readonly kind: AccessKind; readonly bytes: number; readonly order: Order; readonly scope: Scope }

/**
 * Fills `linear` and returns the lanes that may go on: all, or with a sanitizer those that it does not hold back. Without one, an
 * address outside every allocation and a misaligned one end the launch.
 */
export function resolve(warp: Warp, mask: number, at: AddressParts, access: Access): number {
  const { machine, cta } = warp
  const { memory, sanitizer } = machine
  const { u32 } = memory
  const { bytes } = access
  const index = (warp.base + at.slot) >> 2
  let global = 0, shared = 0, local = 0, held = 0
  for (let lane = 0, m = mask; m !== 0; lane++, m >>>= 1) {
    if (!(m & 1)) continue
    let low = at.wide ? u32[index + 2 * lane] : u32[index + lane]
    let high = at.wide ? u32[index + 2 * lane + 1] : 0
    if (at.offset !== 0) {
      const sum = low + at.offset
      low = sum >>> 0
      high = (high + Math.floor(sum / 2 ** 32)) >>> 0
    }
    const window = access.space === 'generic' ? high : expectedHigh(access.space, high)
    if (low % bytes !== 0) {
      if (!sanitizer) machine.fault('misaligned-address', `address ${hex(high, low)} is no multiple of ${bytes}`, warp, lane)
      sanitizer!.report('misaligned-address', warp, lane, hex(high, low), `an access of ${bytes} bytes must be aligned to ${bytes}`)
      held |= 1 << lane
      continue
    }
    const bit = 1 << lane
    if (window === GLOBAL_HIGH && high === GLOBAL_HIGH) { linear[lane] = low; global |= bit }
    else if (window === SHARED_HIGH && (high === SHARED_HIGH || high === 0)) {
      const owner = machine.sharedBlock(cta, low)
      const offset = low & 0xffffff
      if (owner && offset + bytes <= owner.sharedBytes) { linear[lane] = owner.sharedBase + offset; shared |= bit } else held |= outside(warp, lane, 'shared', high, low, bytes)
    } else if (window === LOCAL_HIGH && (high === LOCAL_HIGH || high === 0)) {
      if (low + bytes <= warp.localStride) { linear[lane] = warp.localBase + lane * warp.localStride + low; local |= bit } else held |= outside(warp, lane, 'local', high, low, bytes)
    } else if (window === PARAM_HIGH && (high === PARAM_HIGH || high === 0)) {
      if (low + bytes <= cta.launch.paramBytes && access.kind === 'read') linear[lane] = cta.launch.paramBase + low
      else held |= outside(warp, lane, 'global', high, low, bytes)
    } else held |= outside(warp, lane, spaceOf(access.space), high, low, bytes)
  }
  let allowed = mask & ~held
  if (sanitizer) {
    if (global) allowed &= ~(global & ~sanitizer.access(warp, global, 'global', access.kind, linear, bytes, access.order, access.scope))
    if (shared) allowed &= ~(shared & ~sanitizer.access(warp, shared, 'shared', access.kind, linear, bytes, access.order, access.scope))
    if (local) allowed &= ~(local & ~sanitizer.access(warp, local, 'local', access.kind, linear, bytes, access.order, access.scope))
  } else if (global) {
    for (let lane = 0, m = global; m !== 0; lane++, m >>>= 1) {
      if (!(m & 1)) continue
      const a = memory.allocationAt(linear[lane])
      if (!a || linear[lane] + bytes > a.start + a.bytes) machine.fault('illegal-address', `address ${hex(GLOBAL_HIGH, linear[lane])} (${bytes} bytes) is outside every live allocation`, warp, lane)
      memory.lastTouched = linear[lane]
    }
  }
  return allowed
}

/** Window of a named space; an address that carries another one is wrong. */
function expectedHigh(space: AddressSpace, _high: number): number {
  return space === 'shared' ? SHARED_HIGH : space === 'local' ? LOCAL_HIGH : space === 'param' ? PARAM_HIGH : GLOBAL_HIGH
}
const spaceOf = (space: AddressSpace) => (space === 'shared' || space === 'local' ? space : 'global')

function outside(warp: Warp, lane: number, space: 'global' | 'shared' | 'local', high: number, low: number, bytes: number): number {
  const { sanitizer } = warp.machine
  if (!sanitizer) warp.machine.fault('illegal-address', `address ${hex(high, low)} (${bytes} bytes) is outside ${space} memory${space === 'shared' ? ` of ${warp.cta.sharedBytes} bytes` : ''}`, warp, lane)
  sanitizer!.badAddress(warp, lane, space, (BigInt(high) << 32n) | BigInt(low), bytes)
  return 1 << lane
}

/** Takes an optional state space modifier; without one the address is generic, unless it names a variable. */
export function spaceModifier(ctx: DecodeContext, allowed: readonly string[]): AddressSpace {
  const own = ctx.modifiers.oneOf(allowed)
  if (own === undefined) return 'generic'
  return own.startsWith('shared') ? 'shared' : own.startsWith('param') ? 'param' : own as AddressSpace
}

/** A variable named in brackets decides what a generic or parameter address means. */
export function settle(space: AddressSpace, at: AddressParts, isKernelParameter: boolean): AddressSpace {
  const named: Space | undefined = at.variable?.space
  if (space === 'param') return isKernelParameter ? 'param' : 'local'
  if (space === 'generic' && named && named !== 'reg') return named
  return space
}
