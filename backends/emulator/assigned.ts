// Which registers of a function may be read before they are written: only those must be zero where a register file is used again.
import type { Instruction, SlotUse } from './machine.ts'

/** Where control may go from instruction pc. */
function successors(instructions: readonly Instruction[], pc: number): number[] {
  const { control, statement: { opcode, operands }, guard, targets = [] } = instructions[pc]
  if (control === null) return [pc + 1]
  const jumps = [...operands.flatMap((o) => (o.kind === 'label' && opcode === 'bra' ? [o.target] : [])), ...targets]
  const leaves = /^(bra|brx|ret|exit|trap)$/.test(opcode) && guard === null
  return leaves ? jumps : [...jumps, pc + 1]
}

/** undefined: not known, since it calls functions, which may write registers on its behalf. */
export function readBeforeWritten(instructions: readonly Instruction[]): SlotUse[] | undefined {
  if (instructions.some((i) => i.statement.opcode === 'call')) return undefined
  // Sets of slots known to be written before each instruction; an instruction nobody reaches has none.
  const before: (Set<number> | undefined)[] = instructions.map(() => undefined)
  const work = instructions.length ? [0] : []
  if (work.length) before[0] = new Set()
  while (work.length) {
    const pc = work.pop()!
    const { writes, guard } = instructions[pc]
    let after = before[pc]!
    if (guard === null && writes.some((w) => !after.has(w.slot))) { after = new Set(after); for (const w of writes) after.add(w.slot) }
    for (const next of successors(instructions, pc)) {
      if (next >= instructions.length) continue
      const known = before[next]
      if (known === undefined) { before[next] = after; work.push(next); continue }
      if (known === after || [...known].every((slot) => after.has(slot))) continue
      before[next] = new Set([...known].filter((slot) => after.has(slot)))
      work.push(next)
    }
  }
  const found = new Map<number, SlotUse>()
  instructions.forEach((i, pc) => {
    const known = before[pc]
    if (known === undefined) return
    const see = (use: SlotUse) => { if (!known.has(use.slot)) found.set(use.slot, use) }
    i.reads.forEach(see)
    if (i.guard) see({ slot: i.guard.slot, bytes: 16 })
    // What a guard keeps, or a half that is not written, stays as it was and may be read later: that read is seen there.
  })
  return [...found.values()]
}
