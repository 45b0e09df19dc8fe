// Lanes that a warp waits for at a .sync instruction and that are already past it: if they end without coming back, the mask named
// lanes that never executed it. Lanes that leave the kernel early may be named (PTX ISA 9.7.9.6: those not exited are waited for).
import type { Instruction, Warp } from '../machine.ts'

const known = new WeakMap<readonly Instruction[], Map<number, Uint8Array>>()

const targetOf = (i: Instruction): number | undefined => {
  const o = i.statement.operands[0]
  return i.statement.opcode === 'bra' && o?.kind === 'label' ? o.target : undefined
}
const ends = (i: Instruction): boolean => i.statement.opcode === 'ret' || i.statement.opcode === 'exit'

/** Pcs that follow `pc` without a branch back. */
function ahead(instructions: readonly Instruction[], pc: number): Uint8Array {
  let all = known.get(instructions)
  if (!all) known.set(instructions, (all = new Map()))
  const found = all.get(pc)
  if (found) return found
  const reached = new Uint8Array(instructions.length + 1)
  all.set(pc, reached)
  reached[pc + 1] = 1
  for (let at = pc + 1; at < instructions.length; at++) {
    if (!reached[at]) continue
    const i = instructions[at]
    const target = targetOf(i)
    if (target !== undefined && target > at) reached[target] = 1
    for (const t of i.targets ?? []) if (t > at) reached[t] = 1
    if (i.guard !== null || !(target !== undefined || ends(i) || i.statement.opcode === 'brx')) reached[at + 1] = 1
  }
  return reached
}

/** Goes to the end of the kernel without doing anything. */
function leaves(instructions: readonly Instruction[], pc: number): boolean {
  for (let steps = 0, at = pc; steps < 8; steps++) {
    const i = instructions[at]
    if (i === undefined || (ends(i) && i.guard === null)) return true
    const target = i.guard === null ? targetOf(i) : undefined
    if (target === undefined) return false
    at = target
  }
  return false
}

/** Of the missing lanes, those that stand behind instruction `pc` of the running frame. */
export function past(warp: Warp, pc: number, missing: number): number {
  const { frame } = warp.group
  const { instructions } = frame.fn
  let lanes = 0
  for (const g of warp.groups) {
    if ((g.mask & missing) === 0 || g.frame !== frame) continue
    // A barrier's wait has moved the pc on.
    if (ahead(instructions, pc)[g.pc] && !leaves(instructions, g.pc)) lanes |= g.mask & missing
  }
  return lanes
}
