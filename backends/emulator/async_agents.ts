// Work beside the threads (copies, tensor products): performed once each, early, late or at seeded moments.
import type { AsyncAgents, AsyncOp, Machine } from './machine.ts'

export class Agents implements AsyncAgents {
  private queue: AsyncOp[] = []
  constructor(private readonly machine: Machine) {}
  get pending(): number { return this.queue.length }

  issue(op: AsyncOp): void {
    this.queue.push(op)
    if (this.machine.options.async === 'early') this.force(op)
  }

  force(op: AsyncOp): void {
    if (op.done) return
    if (op.order !== null) {
      // Those of one order land as they were issued.
      for (const earlier of this.queue.filter((o) => o.order === op.order)) {
        if (earlier === op) break
        this.perform(earlier)
      }
    }
    this.perform(op)
  }

  /** Performs one of what waits, a random one; false if there is none. */
  step(): boolean {
    if (!this.queue.length) return false
    this.force(this.queue[Math.floor(this.machine.random() * this.queue.length)])
    return true
  }

  /** After a fault: what has not landed never will. */
  forget(): void { this.queue = [] }

  private perform(op: AsyncOp): void {
    const index = this.queue.indexOf(op)
    if (index >= 0) this.queue.splice(index, 1)
    if (op.done) return
    op.done = true
    op.perform()
  }
}
