// What a warpgroup has in flight: products that its four warps have issued, groups of them, and registers that belong to the tensor
// cores until a wait_group gives them back. (PTX ISA 9.7.15.6-7)
import type { DecodeContext } from '../decode.ts'
import { lowestLane } from '../diagnostics.ts'
import type { AsyncHandle, AsyncOp, Cta, Frame, Instruction, LoadedFunction, Memory, Slot, SlotUse, Warp } from '../machine.ts'
import type { Workspace } from '../products/workspace.ts'

/** What registers hold while they are lent: no number in f32 nor in either half. */
const poison = 0x7fdb7fdb

/** Registers that one instruction names together, and where their values are while they are lent. */
export interface RegisterSet {
  readonly slots: readonly Slot[]
  readonly uses: readonly SlotUse[]
  readonly shadows: Uint32Array
  /** Slot, shadow, slot, shadow ... */
  readonly pairs: Uint32Array
}

interface Sets { readonly shadows: Map<Slot, Slot>; readonly byName: Map<string, RegisterSet> }
/** Of each function. */
const setsOf = new WeakMap<LoadedFunction, Sets>()

/** The same set for the same registers of a function: chains of products on one accumulator know each other by it. */
export function registerSet(ctx: DecodeContext, slots: readonly Slot[]): RegisterSet {
  let sets = setsOf.get(ctx.function)
  if (!sets) setsOf.set(ctx.function, (sets = { shadows: new Map(), byName: new Map() }))
  const name = slots.join()
  let set = sets.byName.get(name)
  if (!set) {
    const shadows = slots.map((slot) => {
      const known = sets.shadows.get(slot)
      if (known !== undefined) return known
      const shadow = ctx.scratch(4)
      sets.shadows.set(slot, shadow)
      return shadow
    })
    sets.byName.set(name, (set = { slots, uses: slots.map((slot) => ({ slot, bytes: 128 })), shadows: Uint32Array.from(shadows), pairs: Uint32Array.from(slots.flatMap((slot, i) => [slot, shadows[i]])) }))
  }
  return set
}

/** Some product of the function accumulates in the register. */
export const accumulates = (fn: LoadedFunction, slot: Slot): boolean => setsOf.get(fn)?.shadows.has(slot) ?? false

/** One warp's part in a product; `lent`: its accumulators are; flags as `multiply` has them: scale-d may be the warp's own. */
export interface Part { readonly warp: Warp; readonly base: number; lent: boolean; readonly flags: number; readonly handle: AsyncHandle | null; readonly metadata: Uint32Array | null }

/** One product of a warpgroup; it is issued to the tensor cores when the last of the four warps comes. */
export interface Product {
  readonly instruction: Instruction
  /** Of each warp of the four that has come. */
  readonly parts: (Part | undefined)[]
  /** Low and high words: the same for all of the warpgroup. */
  readonly descriptors: readonly number[]
  readonly accumulator: RegisterSet
  readonly workspace: Workspace
  /** Of the whole warpgroup; issued once all four have come. */
  readonly op: AsyncOp
  complete: boolean
}

export class WarpProducts {
  /** Products of this warp so far: the n-th of each of the four warps must be the same. */
  issued = 0
  open: Product[] = []
  readonly closed: Product[][] = []
  /** Products in flight that hold each set. */
  private readonly lent = new Map<RegisterSet, number>()
  fenced = false

  lend(set: RegisterSet, base: number, { products, pieces }: Workspace, memory: Memory): void {
    const holders = this.lent.get(set) ?? 0
    this.lent.set(set, holders + 1)
    if (holders > 0) return
    const pairs = this.except(set)
    if (pairs.length === 0) return
    memory.u32.set(pairs, pieces >> 2)
    products.lend(pieces, base, pairs.length / 2, poison)
  }

  /** The accumulators of a warp's part are its own again, unless another product in flight has them. */
  giveBack({ accumulator: set, workspace: { products, pieces } }: Product, part: Part, memory: Memory): void {
    if (!part.lent) return
    part.lent = false
    const holders = this.lent.get(set)! - 1
    if (holders > 0) { this.lent.set(set, holders); return }
    this.lent.delete(set)
    const pairs = this.except(set)
    if (pairs.length === 0 || !isActive(part)) return
    memory.u32.set(pairs, pieces >> 2)
    products.giveBack(pieces, part.base, pairs.length / 2)
  }

  /** Products in flight that accumulate in one of these registers of the warp's frame. */
  holding(slots: readonly Slot[], { base, index }: Warp): Product[] {
    if (this.lent.size === 0) return []
    return [...this.closed.flat(), ...this.open].filter((p) => {
      const part = p.parts[index & 3]!
      return part.lent && part.base === base && slots.some((slot) => p.accumulator.slots.includes(slot))
    })
  }

  /** Registers of the set that no other lent one holds. */
  private except(set: RegisterSet): Uint32Array {
    if (this.lent.size === (this.lent.has(set) ? 1 : 0)) return set.pairs
    const others = [...this.lent.keys()].filter((other) => other !== set)
    if (others.length === 0) return set.pairs
    const held = new Set(others.flatMap((other) => other.slots))
    return set.slots.some((slot) => held.has(slot)) ? Uint32Array.from(set.slots.flatMap((slot, i) => (held.has(slot) ? [] : [slot, set.shadows[i]]))) : set.pairs
  }
}

export function productsOf(w: Warp): WarpProducts {
  let own = w.state.get('wgmma') as WarpProducts | undefined
  if (!own) w.state.set('wgmma', (own = new WarpProducts()))
  return own
}

/** The registers of a part are still the warp's: it has not exited, nor returned from the function that issued the product. */
export function isActive({ warp, base }: Part): boolean {
  if (warp.alive === 0) return false
  for (let f: Frame | null = warp.frame; f !== null; f = f.parent) if (f.base === base) return true
  return false
}

/** Products that some but not all of the four warps have issued, by their number. */
export function assembling(cta: Cta, warpgroup: number): Map<number, Product> {
  const key = `wgmma ${warpgroup}`
  let own = cta.state.get(key) as Map<number, Product> | undefined
  if (!own) cta.state.set(key, (own = new Map()))
  return own
}

/** The warps of the four that have not come. */
export function absent(p: Product): number[] { return [0, 1, 2, 3].filter((i) => p.parts[i] === undefined) }

/** Ends the program: the four warps of a warpgroup do not do the same. */
export function mismatch(w: Warp, problem: string): never {
  w.machine.sanitizer?.report('barrier-divergence', w, lowestLane(w.group.mask), null, problem)
  return w.machine.fault('illegal-instruction', problem, w, lowestLane(w.group.mask))
}
