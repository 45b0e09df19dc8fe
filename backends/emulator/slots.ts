// Where the registers, constants and special registers of one function lie in a frame (see machine.ts, Slot).
import type { Variable } from './ast.ts'
import type { Memory, Slot, Warp } from './machine.ts'

export const slotBytes = (bytes: number): number => (bytes === 0 ? 16 : bytes <= 4 ? 128 : 32 * bytes)

/** Writes one value a lane: 32-bit words, or 64-bit ones as bigint. */
export type LaneValue = (warp: Warp, lane: number) => number | bigint

export class FrameLayout {
  bytes = 0
  private readonly registers = new Map<Variable, Slot>()
  private readonly constants = new Map<string, Slot>()
  private readonly constantOf = new Map<Slot, { bytes: number; pattern: bigint }>()
  private readonly specials = new Map<string, Slot>()
  private readonly specialSlots = new Set<Slot>()
  /** `ofWarp`: the same in every block of a launch. */
  private readonly specialList: { slot: Slot; wide: boolean; value: LaneValue; ofWarp: boolean }[] = []
  private template = -1

  private add(bytes: number): Slot {
    const slot = this.bytes
    this.bytes += slotBytes(bytes)
    return slot
  }

  scratch(bytes: number): Slot { return this.add(bytes) }

  private carrySlot = -1
  get carry(): Slot {
    if (this.carrySlot < 0) this.carrySlot = this.add(0)
    return this.carrySlot
  }

  /** A register, or one component of a vector register. */
  register(variable: Variable, component: number | null): Slot {
    let slot = this.registers.get(variable)
    const each = variable.elementBytes / variable.vector
    if (slot === undefined) {
      slot = this.add(each)
      for (let i = 1; i < variable.vector; i++) this.add(each)
      this.registers.set(variable, slot)
    }
    return slot + (component ?? 0) * slotBytes(each)
  }

  /** `bytes` 0 is a predicate. */
  constant(bytes: number, pattern: bigint): Slot {
    const key = `${bytes}:${pattern}`
    let slot = this.constants.get(key)
    if (slot === undefined) {
      slot = this.add(bytes)
      this.constants.set(key, slot)
      this.constantOf.set(slot, { bytes, pattern })
    }
    return slot
  }

  /** What an immediate's slot always holds. */
  constantAt(slot: Slot): { readonly bytes: number; readonly pattern: bigint } | undefined { return this.constantOf.get(slot) }

  special(key: string, wide: boolean, value: LaneValue): Slot {
    const own = `${key}:${wide}`
    let slot = this.specials.get(own)
    if (slot === undefined) {
      slot = this.add(wide ? 8 : 4)
      this.specials.set(own, slot)
      this.specialSlots.add(slot)
      this.specialList.push({ slot, wide, value, ofWarp: /^(%(tid|ntid|nctaid|laneid|warpid|nwarpid|lanemask_\w+)\.|local )/.test(key) })
    }
    return slot
  }

  /** Puts zero registers, constants and special registers into a fresh frame. */
  fill(memory: Memory, warp: Warp, base: number): void {
    if (this.template < 0) this.template = this.makeTemplate(memory)
    memory.u8.copyWithin(base, this.template, this.template + this.bytes)
    for (const s of this.specialList) fillSpecial(memory, warp, base + s.slot, s.wide, s.value)
  }

  /**
   * The same for a frame that this warp had in another block: immediates are there still. `zeros`: the registers that are read
   * before they are written. What differs from block to block is one value for all lanes.
   */
  refill(memory: Memory, warp: Warp, base: number, zeros: readonly { readonly slot: Slot; readonly bytes: number }[]): void {
    const { u32, u8 } = memory
    for (const { slot, bytes } of zeros) if (!this.constantOf.has(slot) && !this.specialSlots.has(slot)) u8.fill(0, base + slot, base + slot + bytes)
    if (this.carrySlot >= 0) u32[(base + this.carrySlot) >> 2] = 0
    for (const s of this.specialList) {
      if (s.ofWarp) continue
      const v = s.value(warp, 0)
      if (typeof v === 'bigint' || s.wide) { fillSpecial(memory, warp, base + s.slot, s.wide, s.value); continue }
      for (let at = (base + s.slot) >> 2, end = at + 32; at < end; at++) u32[at] = v
    }
  }

  /** The frame's template goes back to memory; the next fill makes it anew. */
  release(memory: Memory): void {
    if (this.template >= 0) memory.release(this.template)
    this.template = -1
  }

  private makeTemplate(memory: Memory): number {
    const template = memory.reserve(Math.max(16, this.bytes))
    for (const [slot, { bytes, pattern }] of this.constantOf) {
      const at = template + slot
      if (bytes === 0) memory.u32[at >> 2] = pattern === 0n ? 0 : 0xffffffff
      else if (bytes <= 4) memory.u32.fill(Number(BigInt.asUintN(bytes * 8, pattern)), at >> 2, (at >> 2) + 32)
      else for (let lane = 0; lane < 32; lane++) {
        for (let w = 0; w < bytes / 4; w++) memory.u32[((at + lane * bytes) >> 2) + w] = Number(BigInt.asUintN(32, pattern >> BigInt(32 * w)))
      }
    }
    return template
  }
}

export function fillSpecial(memory: Memory, warp: Warp, at: number, wide: boolean, value: LaneValue): void {
  const { u32 } = memory
  for (let lane = 0; lane < 32; lane++) {
    const v = value(warp, lane)
    if (typeof v === 'bigint') {
      const bits = BigInt.asUintN(64, v)
      if (wide) memory.u64[(at >> 3) + lane] = bits
      else u32[(at >> 2) + lane] = Number(bits & 0xffffffffn)
    } else if (wide) {
      u32[(at >> 2) + 2 * lane] = v
      u32[(at >> 2) + 2 * lane + 1] = Math.floor(v / 2 ** 32)
    } else u32[(at >> 2) + lane] = v
  }
}

/** The bits of the predicate at linear place `at` become `bits` for the lanes of the mask. */
export function writePredicate({ i32 }: Memory, at: number, mask: number, bits: number): void { i32[at >> 2] = (i32[at >> 2] & ~mask) | (bits & mask) }

/** The lanes of a frame where a predicate operand holds. */
export function readPredicate({ i32 }: Memory, base: number, { slot, negate }: { slot: Slot; negate: boolean }): number {
  const bits = i32[(base + slot) >> 2]
  return negate ? ~bits : bits
}
