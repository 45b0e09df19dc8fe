// Registers that wgmma works on until it was waited for: accumulators, and fragments of A.
import { lowestLane } from '../diagnostics.ts'
import type { AsyncHandle, Cta, Instruction, SlotUse, Warp } from '../machine.ts'
import type { Handle } from './operations.ts'
import type { Reports } from './reports.ts'

interface Busy { readonly handle: AsyncHandle; readonly base: number; readonly slots: readonly SlotUse[]; readonly kind: 'read' | 'write' }

export class BusyRegisters {
  private readonly all = new Map<Warp, Busy[]>()
  constructor(private readonly reports: Reports) {}
  clear(): void { this.all.clear() }
  ctaEnded(cta: Cta): void { for (const warp of cta.warps) this.all.delete(warp) }

  add(warp: Warp, handle: AsyncHandle, slots: readonly SlotUse[], kind: 'read' | 'write'): void {
    const own = this.all.get(warp) ?? []
    own.push({ handle, base: warp.base, slots, kind })
    this.all.set(warp, own)
    warp.watched = true
  }
  free(warp: Warp, handle: AsyncHandle): void {
    const left = this.all.get(warp)?.filter((b) => b.handle !== handle)
    if (left === undefined) return
    if (left.length > 0) { this.all.set(warp, left); return }
    this.all.delete(warp)
    warp.watched = false
  }

  used(warp: Warp, instruction: Instruction, mask: number): void {
    if (mask === 0 || instruction.statement.opcode === 'wgmma') return
    for (const { handle, base, slots, kind } of this.all.get(warp) ?? []) {
      if (base !== warp.base) continue
      // A move of accumulators waits for the products, as the assembler makes it (wgmma_copies.ts).
      if (kind === 'write' && instruction.statement.opcode === 'mov') continue
      const read = kind === 'write' && overlap(instruction.reads, slots)
      if (!read && !overlap(instruction.writes, slots)) continue
      const { op } = handle as Handle
      const { current } = warp
      warp.current = instruction
      const { at } = op.instruction.statement
      this.reports.add('async-race', warp, lowestLane(mask), null, `${read ? 'reads' : 'writes'} a register that wgmma ${kind === 'write' ? 'accumulates in' : 'reads'}, before wgmma.wait_group`, `${op.instruction.name} at line ${at.line}:${at.column}`, `${at.line}:${at.column}`)
      warp.current = current
    }
  }
}

const overlap = (uses: readonly SlotUse[], slots: readonly SlotUse[]): boolean => uses.some((u) => slots.some((s) => u.slot < s.slot + s.bytes && s.slot < u.slot + u.bytes))
