// Whether a program looks at an answer at all. One that tests a barrier and goes on whatever comes out has not waited for it, even
// where this run happened to find it complete.
import type { Instruction, LoadedFunction, Slot } from '../machine.ts'

/** Instructions that only pass a value on. */
const passesOn = new Set(['selp', 'mov', 'not', 'and', 'or', 'xor', 'cvt', 'setp'])

/** Whether the value of the slot decides something: a guard, or an operand of anything that does more than pass it on. */
export function decides({ instructions }: LoadedFunction, answer: Slot): boolean {
  const slots = new Set([answer])
  const reads = (i: Instruction) => i.reads.some((use) => slots.has(use.slot))
  for (let grown = -1; grown !== slots.size;) {
    grown = slots.size
    for (const i of instructions) {
      if (i.guard !== null && slots.has(i.guard.slot)) return true
      if (!reads(i)) continue
      if (!passesOn.has(i.statement.opcode)) return true
      for (const use of i.writes) slots.add(use.slot)
    }
  }
  return false
}
