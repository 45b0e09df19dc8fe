// Names of a PTX file while it is read: nested scopes of variables and labels. Registers may be declared in ranges (`%r<100>`).
import type { Position, Variable } from './ast.ts'

interface Range { readonly count: number; readonly make: (name: string) => Variable }

/** A `{ }` of a body; labels may be used before they are declared, so uses are looked up when the scope is closed. */
export class Scope {
  private readonly names = new Map<string, Variable>()
  private readonly ranges = new Map<string, Range>()
  readonly labels = new Map<string, number>()
  constructor(readonly parent: Scope | null) {}

  /** false: the name is taken in this very scope. */
  declare(variable: Variable): boolean {
    if (this.names.has(variable.name)) return false
    this.names.set(variable.name, variable)
    return true
  }

  has(name: string): boolean { return this.names.has(name) }
  /** In place of a declaration that only announced it. */
  replace(variable: Variable): void { this.names.set(variable.name, variable) }

  declareRange(prefix: string, count: number, make: (name: string) => Variable): boolean {
    if (this.ranges.has(prefix)) return false
    this.ranges.set(prefix, { count, make })
    return true
  }

  find(name: string): Variable | undefined {
    for (let scope: Scope | null = this; scope; scope = scope.parent) {
      const own = scope.names.get(name) ?? scope.member(name)
      if (own) return own
    }
    return undefined
  }

  /** `%r17` of the range `%r<100>`: made when it is first used. */
  private member(name: string): Variable | undefined {
    const digits = /\d+$/.exec(name)
    if (!digits) return undefined
    // `%rd12` may belong to the range %rd or to %rd1 (prefixes may end in digits).
    for (let at = digits.index; at < name.length; at++) {
      const range = this.ranges.get(name.slice(0, at))
      const number = name.slice(at)
      if (range && (number === '0' || number[0] !== '0') && Number(number) < range.count) {
        const variable = range.make(name)
        this.names.set(name, variable)
        return variable
      }
    }
    return undefined
  }

  label(name: string): number | undefined {
    for (let scope: Scope | null = this; scope; scope = scope.parent) {
      const at = scope.labels.get(name)
      if (at !== undefined) return at
    }
    return undefined
  }

  /** All names in sight, for "did you mean". */
  *visible(): Iterable<string> { for (let scope: Scope | null = this; scope; scope = scope.parent) yield* scope.names.keys() }
}

/** A use of a label whose scope is still open. */
export interface LabelUse { readonly scope: Scope; readonly name: string; readonly at: Position; resolve(target: number): void }
