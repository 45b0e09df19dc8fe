// The modifiers of one instruction, taken in order; what is left over is refused by name.
import type { Modifiers } from './decode.ts'

export class ModifierList implements Modifiers {
  private next = 0
  constructor(readonly all: readonly string[], private readonly name: string, private readonly refuse: (problem: string) => never) {}

  flag(name: string): boolean {
    if (this.peek() !== name) return false
    this.next++
    return true
  }

  oneOf<T extends string>(names: readonly T[]): T | undefined {
    const own = this.peek()
    if (own === undefined || !(names as readonly string[]).includes(own)) return undefined
    this.next++
    return own as T
  }

  need<T extends string>(names: readonly T[], what: string): T {
    const own = this.oneOf(names)
    if (own !== undefined) return own
    const expected = names.map((n) => `.${n}`).join(' ')
    const found = this.peek()
    return this.refuse(found === undefined ? `${this.name} lacks its ${what}: ${expected}` : `${this.name}: unknown modifier .${found}; its ${what} must be one of ${expected}`)
  }

  takeAll(): void { this.next = this.all.length }

  peek(): string | undefined { return this.all[this.next] }

  done(): void {
    const left = this.peek()
    if (left !== undefined) this.refuse(`${this.name}: unknown modifier .${left}`)
  }
}
