// Addresses of all lanes -> linear byte offsets, checked. (PTX ISA 5.1; windows in machine.ts)
import type { Space } from '../ast.ts'
import type { DecodeContext } from '../decode.ts'
import type { AddressParts } from '../decode_context.ts'
import { FLAT_WINDOWS, GLOBAL_HIGH, LOCAL_HIGH, PARAM_HIGH, SHARED_HIGH, SHARED_OFFSET_MASK, type AccessKind, type Cta, type Order, type Scope, type Stored, type Warp } from '../machine.ts'
import { since } from './free_modifiers.ts'

export type AddressSpace = 'global' | 'const' | 'shared' | 'local' | 'param' | 'generic'

/** Linear offset of each lane, valid until the next call. */
export const linear = new Uint32Array(32)
/** Lanes whose last address was of shared memory: atomics on floats differ there. */
export const found = { shared: 0 }

export interface Access {
  readonly space: AddressSpace; readonly kind: AccessKind; readonly order: Order; readonly scope: Scope
  /** A power of two, which the address must be a multiple of. */
  readonly bytes: number
  /** .shared and .shared::cta: another block's memory is out of bounds. */
  readonly ownBlock?: boolean
  /** The chapter itself tells the sanitizer what is accessed, and checks that global ranges lie in an allocation (rangeInside). */
  readonly untold?: boolean
  /** Stores: their values, for the sanitizer. */
  readonly stored?: Stored
}

export const showAddress = (high: number, low: number) => `0x${((BigInt(high >>> 0) << 32n) | BigInt(low >>> 0)).toString(16)}`
const named: Readonly<Record<AddressSpace, number>> = { global: GLOBAL_HIGH, const: GLOBAL_HIGH, shared: SHARED_HIGH, local: LOCAL_HIGH, param: PARAM_HIGH, generic: -1 }

/**
 * Fills `linear` and returns the lanes that may go on: all, or with a sanitizer those that it does not hold back. Without one, an
 * address outside every allocation and a misaligned one end the launch.
 */
export function resolve(warp: Warp, mask: number, at: AddressParts, access: Access): number {
  const { machine, cta } = warp
  const { u32 } = machine.memory
  const { bytes, space } = access
  const index = (warp.base + at.slot) >> 2
  const { offset, wide } = at
  const own = named[space]
  const flat = !wide && (own === -1 || own === GLOBAL_HIGH) && machine.module.addressSize === 32
  let global = 0, shared = 0, local = 0, held = 0
  for (let lane = 0, m = mask; m !== 0; lane++, m >>>= 1) {
    if (!(m & 1)) continue
    let low = wide ? u32[index + 2 * lane] : u32[index + lane]
    let high = wide ? u32[index + 2 * lane + 1] : 0
    if (offset !== 0) {
      const sum = low + offset
      low = sum >>> 0
      if (sum !== low && wide) high = (high + Math.floor(sum / 2 ** 32)) >>> 0
    }
    if (flat) {
      high = own === -1 ? FLAT_WINDOWS[low >>> 24] ?? GLOBAL_HIGH : own
      if (high !== GLOBAL_HIGH) low &= 0xffffff
    }
    if ((low & (bytes - 1)) !== 0) { held |= misaligned(warp, lane, reportedSpace(space), high, low, bytes); continue }
    // Addresses in a named window may come without its high half, which cvta.to takes off; global ones always have it.
    const window = own === -1 || high === own ? high : high === 0 && (own !== GLOBAL_HIGH || (space === 'const' && !wide)) ? own : -1
    const bit = 1 << lane
    if (window === GLOBAL_HIGH) { linear[lane] = low; global |= bit }
    else if (window === SHARED_HIGH) {
      const owner = machine.sharedBlock(cta, low)
      const inside = low & SHARED_OFFSET_MASK
      if (owner !== undefined && owner !== cta && owner.aliveThreads === 0) held |= gone(warp, lane, owner, low)
      else if (owner !== undefined && inside + bytes <= owner.sharedBytes && !(access.ownBlock && owner !== cta)) { linear[lane] = owner.sharedBase + inside; shared |= bit }
      else held |= outside(warp, lane, 'shared', high, low, bytes)
    } else if (window === LOCAL_HIGH) {
      if (low + bytes <= warp.localStride) { linear[lane] = warp.localBase + lane * warp.localStride + low; local |= bit } else held |= outside(warp, lane, 'local', high, low, bytes)
    } else if (window === PARAM_HIGH && access.kind === 'read' && low + bytes <= cta.launch.paramBytes) linear[lane] = cta.launch.paramBase + low
    else held |= outside(warp, lane, window === PARAM_HIGH || own === -1 ? 'global' : reportedSpace(space), high, low, bytes)
  }
  found.shared = shared
  const { sanitizer } = machine
  const { kind, order, scope, stored = null } = access
  if (access.untold) return mask & ~held
  if (sanitizer === null) { if (global !== 0) checkGlobal(warp, global, bytes); return mask & ~held }
  if (global !== 0) held |= global & ~sanitizer.access(warp, global, 'global', kind, linear, bytes, order, scope, stored)
  if (shared !== 0) held |= shared & ~sanitizer.access(warp, shared, 'shared', kind, linear, bytes, order, scope, stored)
  if (local !== 0) held |= local & ~sanitizer.access(warp, local, 'local', kind, linear, bytes, order, scope, stored)
  return mask & ~held
}

/**
 * Whether a range of any length lies in one allocation or in one block's shared memory. If not, the launch ends there; with a
 * sanitizer it is told and the answer is no: the operation then does not touch memory, but signals all the same.
 */
export function rangeInside(warp: Warp, lane: number, space: 'shared' | 'global', at: number, bytes: number): boolean {
  const { machine, cta } = warp
  const owner = space === 'shared' ? sharedOwner(cta, at) : undefined
  const within = space === 'shared' ? owner && { start: owner.sharedBase, bytes: owner.sharedBytes } : machine.memory.allocationAt(at)
  if (within && at + bytes <= within.start + within.bytes) {
    if (space === 'global') machine.memory.lastTouched = at
    return true
  }
  const address = space === 'shared' ? `0x${(at - (owner ?? cta).sharedBase).toString(16)}` : showAddress(GLOBAL_HIGH, at)
  if (machine.sanitizer !== null) machine.sanitizer.badAddress(warp, lane, space, BigInt(address), bytes)
  else machine.fault('illegal-address', `address ${address} (${bytes} bytes) is outside ${space === 'shared' ? `shared memory of ${cta.sharedBytes} bytes` : 'every live allocation'}`, warp, lane, { space, address })
  return false
}

/** Every lane inside a live allocation; mostly they share one. */
function checkGlobal(warp: Warp, mask: number, bytes: number): void {
  const { memory } = warp.machine
  let start = 1, last = 0
  for (let lane = 0, m = mask; m !== 0; lane++, m >>>= 1) {
    if (!(m & 1)) continue
    const place = linear[lane]
    if (place >= start && place <= last) continue
    const a = memory.allocationAt(place)
    if (a === undefined || place + bytes > a.start + a.bytes) {
      const near = a === undefined ? '' : `, past the end of buffer ${a.what} of ${a.bytes} bytes at ${showAddress(GLOBAL_HIGH, a.start)}`
      warp.machine.fault('illegal-address', `address ${showAddress(GLOBAL_HIGH, place)} (${bytes} bytes) is outside every live allocation${near}`, warp, lane, { space: 'global', address: showAddress(GLOBAL_HIGH, place) })
    }
    start = a.start
    last = a.start + a.bytes - bytes
    memory.lastTouched = place
  }
}

const reportedSpace = (space: AddressSpace): 'global' | 'shared' | 'local' => (space === 'shared' || space === 'local' ? space : 'global')

function misaligned(warp: Warp, lane: number, space: 'global' | 'shared' | 'local', high: number, low: number, bytes: number): number {
  const { machine } = warp
  const problem = `address ${showAddress(high, low)} is no multiple of ${bytes}, the bytes of the access`
  if (machine.sanitizer === null) machine.fault('misaligned-address', problem, warp, lane, { space, address: showAddress(high, low) })
  machine.sanitizer!.report('misaligned-address', warp, lane, showAddress(high, low), problem)
  return 1 << lane
}

function outside(warp: Warp, lane: number, space: 'global' | 'shared' | 'local', high: number, low: number, bytes: number): number {
  const { machine, cta } = warp
  if (machine.sanitizer === null) {
    const size = space === 'shared' ? ` of ${cta.sharedBytes} bytes` : space === 'local' ? ` of ${warp.localStride} bytes` : ''
    machine.fault('illegal-address', `address ${showAddress(high, low)} (${bytes} bytes) is outside ${space} memory${size}`, warp, lane, { space, address: showAddress(high, low) })
  }
  machine.sanitizer!.badAddress(warp, lane, space, (BigInt(high) << 32n) | BigInt(low), bytes)
  return 1 << lane
}

/** Shared memory of a block ends with its last thread. */
function gone(warp: Warp, lane: number, owner: Cta, low: number): number {
  const { machine } = warp
  const address = `0x${low.toString(16)}`
  const problem = `shared memory of block (${owner.id.join(', ')}), all of whose threads have exited`
  if (machine.sanitizer === null) machine.fault('illegal-address', `address ${address} is in ${problem}`, warp, lane, { space: 'shared', address })
  machine.sanitizer!.report('shared-out-of-bounds', warp, lane, address, problem)
  return 1 << lane
}

/** The block of the cluster in whose shared memory this linear offset lies. */
export const sharedOwner = (cta: Cta, at: number): Cta | undefined => cta.cluster.ctas.find((c) => at >= c.sharedBase && at < c.sharedBase + c.sharedBytes)

/** .shared and .shared::cta name the block's own memory; .shared::cluster and generic addresses any block's of the cluster. */
export const isOwnBlock = (modifier: string | undefined): boolean => modifier === 'shared' || modifier === 'shared::cta'

/** The space that a modifier names; none is generic. */
function spaceNamed(ctx: DecodeContext, name: string | undefined): AddressSpace {
  if (name === undefined) return 'generic'
  if (name === 'shared::cluster') since(ctx, '.shared::cluster', 7.8, 90)
  if (name === 'shared::cta') since(ctx, '.shared::cta', 7.8)
  if (name.startsWith('param::')) since(ctx, `.${name}`, 8.3)
  return name.startsWith('shared') ? 'shared' : name.startsWith('param') ? 'param' : name as AddressSpace
}

/**
 * What an address means: its modifier's space, a generic address, or the space of the variable in the brackets. `.param` is the
 * kernel's parameters or, in device functions and around calls, bytes of local memory.
 */
export function spaceOf(ctx: DecodeContext, modifier: string | undefined, at: AddressParts): AddressSpace {
  const space = spaceNamed(ctx, modifier)
  const { variable } = at
  if (variable === null) {
    if (space !== 'param') return space
    return modifier === 'param::func' || (modifier === 'param' && (ctx.function as { ptx?: { kind: string } }).ptx?.kind === 'func') ? 'local' : 'param'
  }
  const wrong = space === 'generic' ? variable.space === 'const' || variable.space === 'param' : space !== variable.space
  if (wrong) ctx.error(`${variable.name} is in .${variable.space} space, the instruction takes ${space === 'generic' ? 'a generic address' : `.${space}`}`)
  if (variable.space === 'param') return ctx.isKernelParameter(variable) ? 'param' : 'local'
  return variable.space as Space & AddressSpace
}
