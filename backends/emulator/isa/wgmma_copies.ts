// Moves from and to accumulators while products are in flight. nvcc makes them of loops that exchange two accumulators; the assembler
// then puts a wait before the move (its message C7517), so that such programs are right on hardware. Other uses see poison.
import { NEXT, RETRY, type Control, type Exec, type Instruction, type LoadedFunction, type Slot } from '../machine.ts'
import { accumulates, productsOf } from './wgmma_groups.ts'

/** Makes moves of accumulators wait for their products: a step of decoding (Decoded.finish). */
export function waitInMoves(fn: LoadedFunction, instructions: Instruction[]): void {
  instructions.forEach((i, pc) => {
    if (i.statement.opcode !== 'mov' || i.exec === null) return
    const slots = [...i.reads, ...i.writes].map((u) => u.slot).filter((slot) => accumulates(fn, slot))
    if (slots.length > 0) instructions[pc] = { ...i, exec: null, control: afterProducts(slots, i.exec) }
  })
}

const afterProducts = (slots: readonly Slot[], exec: Exec): Control => (w, g, mask) => {
  if (mask !== 0) {
    const own = productsOf(w)
    const products = own.holding(slots, w)
    const late = products.find((p) => !p.complete)
    if (late) {
      g.wait = { what: `${w.current.name}: an accumulator of ${late.instruction.name}, which not all warps of the warpgroup have executed`, alsoReport: 'barrier-divergence', ready: () => late.complete }
      return RETRY
    }
    for (const p of products) {
      w.machine.agents.force(p.op)
      own.giveBack(p, p.parts[w.index & 3]!, w.machine.memory)
    }
    exec(w, mask)
  }
  g.pc++
  return NEXT
}
