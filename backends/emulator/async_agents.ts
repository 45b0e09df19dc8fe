// Work beside the threads (copies, tensor products): performed once each, early, late or at seeded moments.
import type { AsyncAgents, AsyncOp, Machine } from './machine.ts'

/** More than this does not wait at once: a program that never waits for its copies must not fill the memory. */
const mostWaiting = 4096

export class Agents implements AsyncAgents {
  private readonly waiting: AsyncOp[] = []
  /** Where in `waiting` each one stands. */
  private readonly places = new Map<AsyncOp, number>()
  /** Those of each order that have not landed, as they were issued. */
  private readonly lines = new Map<string, AsyncOp[]>()
  constructor(private readonly machine: Machine) {}
  get pending(): number { return this.waiting.length }

  issue(op: AsyncOp): void {
    if (this.waiting.length >= mostWaiting) this.force(this.waiting[0])
    this.places.set(op, this.waiting.length)
    this.waiting.push(op)
    if (op.order !== null) {
      const line = this.lines.get(op.order)
      if (line) line.push(op)
      else this.lines.set(op.order, [op])
    }
    if (this.machine.options.async === 'early') this.force(op)
  }

  force(op: AsyncOp): void {
    if (op.done) return
    if (op.order === null) { this.perform(op); return }
    const line = this.lines.get(op.order)!
    for (let next: AsyncOp | undefined; next !== op;) this.perform((next = line.shift()!))
    if (line.length === 0) this.lines.delete(op.order)
  }

  read(op: AsyncOp): void { if (!op.done && op.read) this.inPlaceOf(op, () => op.read!()) }

  /** Performs one of what waits, a random one; false if there is none. */
  step(): boolean {
    if (!this.waiting.length) return false
    this.force(this.waiting[Math.floor(this.machine.random() * this.waiting.length)])
    return true
  }

  /** After a fault: what has not landed never will. */
  forget(): void {
    this.waiting.length = 0
    this.places.clear()
    this.lines.clear()
  }

  private perform(op: AsyncOp): void {
    const place = this.places.get(op)!
    const last = this.waiting.pop()!
    if (last !== op) { this.waiting[place] = last; this.places.set(last, place) }
    this.places.delete(op)
    op.done = true
    this.inPlaceOf(op, () => op.perform())
  }

  /** What goes wrong is told at the instruction that issued it. */
  private inPlaceOf({ warp, instruction }: AsyncOp, run: () => void): void {
    const { current } = warp
    warp.current = instruction
    run()
    warp.current = current
  }
}
