// The inside of a function: scopes, labels, guards, instructions and their operands (PTX ISA 4.3, 6.4).
import type { Body, Operand, PtxFunction, Space, Statement, Variable } from './ast.ts'
import type { Cursor } from './cursor.ts'
import type { Token } from './lexer.ts'
import { declaration, parameter, spaces } from './parser_variables.ts'
import { Scope } from './scope.ts'
import { components, specialRegister } from './types_table.ts'

/** What a body may name outside itself. */
export interface Outside { isFunction(name: string): boolean }

interface Source { file: string; line: number }

export class BodyParser {
  private readonly variables: Variable[] = []
  private readonly statements: Statement[] = []
  private readonly labels = new Map<string, number>()
  private readonly branchTables = new Map<string, number[]>()
  private readonly callTargets = new Map<string, string[]>()
  private readonly callPrototypes = new Map<string, Pick<PtxFunction, 'returns' | 'params'>>()
  /** Uses of labels, looked up when all are known. */
  private readonly uses: (() => void)[] = []
  private scope: Scope
  private source: Source | null = null

  constructor(private readonly c: Cursor, globals: Scope, parameters: readonly Variable[], private readonly outside: Outside, private readonly files: ReadonlyMap<number, string>) {
    this.scope = new Scope(globals)
    for (const p of parameters) if (!this.scope.declare(p)) c.failAtPosition(`parameter ${p.name} is declared twice`, p.at)
  }

  /** From after "{" to its "}". */
  parse(open: Token): Body {
    this.block(open)
    for (const use of this.uses) use()
    const { variables, statements, labels, branchTables, callTargets, callPrototypes } = this
    return { variables, statements, labels, branchTables, callTargets, callPrototypes }
  }

  private block(open: Token): void {
    const { c } = this
    while (!c.mark('}')) {
      if (c.is('end')) c.failAt('this "{" is never closed', open)
      this.item()
    }
  }

  private item(): void {
    const { c } = this
    const t = c.token
    if (t.kind === 'mark' && t.text === '{') {
      c.advance()
      this.scope = new Scope(this.scope)
      c.nested(() => this.block(t))
      this.scope = this.scope.parent!
    } else if (t.kind === 'dot') this.directive(c.advance())
    else if (t.kind === 'word' && c.following.kind === 'mark' && c.following.text === ':') this.label()
    else this.instruction()
  }

  private label(): void {
    const { c } = this
    const name = c.advance()
    c.needMark(':')
    if (c.take('dot', '.branchtargets')) {
      const scope = this.scope
      const names = this.names('a label')
      const table: number[] = []
      this.branchTables.set(name.text, table)
      this.uses.push(() => { for (const n of names) table.push(this.target(scope, n)) })
    } else if (c.take('dot', '.calltargets')) this.callTargets.set(name.text, this.names('a function').map((n) => n.text))
    else if (c.take('dot', '.callprototype')) this.prototype(name.text)
    else {
      if (this.scope.labels.has(name.text)) c.failAt(`label ${name.text} stands twice in this scope`, name)
      if (this.scope.has(name.text)) c.failAt(`${name.text} is a variable of this scope, it cannot be a label too`, name)
      this.scope.labels.set(name.text, this.statements.length)
      this.labels.set(name.text, this.statements.length)
    }
  }

  private names(what: string): Token[] {
    const { c } = this
    const names = [c.need('word', what)]
    while (c.mark(',')) names.push(c.need('word', what))
    c.needMark(';')
    return names
  }

  private prototype(name: string): void {
    const { c } = this
    const returns = parameterList(c)
    if (!c.take('word')) c.fail(`expected "_" or a name, found ${c.shown()}`)
    const params = parameterList(c)
    while (c.is('dot')) { c.advance(); if (c.is('int')) c.advance() }
    c.needMark(';')
    this.callPrototypes.set(name, { returns, params })
  }

  private target(scope: Scope, use: Token): number {
    return scope.label(use.text) ?? this.c.failAt(`label ${use.text} does not exist in this scope`, use)
  }

  private directive(t: Token): void {
    const { c } = this
    const name = t.text.slice(1)
    if (spaces.has(t.text)) declaration(c, this.scope, name as Space, null, this.variables)
    else if (name === 'loc') this.location()
    else if (name === 'pragma') { c.need('string', 'a quoted pragma'); while (c.mark(',')) c.need('string', 'a quoted pragma'); c.needMark(';') }
    else if (name === 'extern' || name === 'visible' || name === 'weak') {
      const space = c.need('dot', 'a state space')
      if (!spaces.has(space.text)) c.failAt(`expected a state space, found "${space.text}"`, space)
      declaration(c, this.scope, space.text.slice(1) as Space, name, this.variables)
    } else c.failAt(`unknown directive ${t.text} in a function`, t)
  }

  /** .loc file line column [, function_name sym [+ n], inlined_at file line column] : no semicolon. */
  private location(): void {
    const { c } = this
    const file = c.integer('the file of .loc')
    const line = Number(c.need('int', 'a line').value)
    c.need('int', 'a column')
    this.source = { file: this.files.get(file) ?? `file ${file}`, line }
    while (c.mark(',')) {
      const what = c.need('word', 'function_name or inlined_at')
      if (what.text === 'function_name') { c.need('word', 'a label'); if (c.mark('+')) c.integer('an offset') }
      else if (what.text === 'inlined_at') for (let i = 0; i < 3; i++) c.need('int', 'a number')
      else c.failAt(`expected function_name or inlined_at, found "${what.text}"`, what)
    }
  }

  private instruction(): void {
    const { c } = this
    let guard: Statement['guard'] = null
    if (c.mark('@')) {
      const negate = c.mark('!')
      const name = c.need('word', 'a predicate')
      const variable = this.scope.find(name.text) ?? c.failAt(`${name.text} is not declared`, name)
      if (variable.type !== 'pred' || variable.space !== 'reg') c.failAt(`${name.text} is .${variable.type}, a guard must be .pred`, name)
      guard = { variable, negate }
    }
    const at = c.at
    const opcode = c.need('word', 'an instruction')
    if (/^[%$]/.test(opcode.text)) c.failAt(`expected an instruction, found "${opcode.text}"`, opcode)
    const modifiers: string[] = []
    while (c.is('dot')) modifiers.push(c.advance().text.slice(1))
    const operands: Operand[] = []
    if (c.is('mark', '}') || c.is('end')) c.fail(`expected an operand or ";" after ${opcode.text}, found ${c.shown()}`)
    if (!c.is('mark', ';')) {
      do operands.push(this.operand(opcode.text)); while (c.mark(','))
    }
    if (!c.mark(';')) c.fail(`expected "," or ";" after an operand of ${opcode.text}, found ${c.shown()}`)
    this.statements.push({ opcode: opcode.text, modifiers, guard, operands, at, source: this.source })
  }

  private operand(opcode: string): Operand {
    const { c } = this
    const at = c.at
    const first = this.single(opcode)
    if (!c.mark('|')) return first
    return { kind: 'pair', first, second: this.single(opcode), at }
  }

  private single(opcode: string): Operand {
    const { c } = this
    const at = c.at
    if (c.is('word')) return this.named(opcode)
    if (c.mark('{')) return { kind: 'vector', elements: this.listed('}', opcode), at }
    if (c.mark('[')) return this.address(opcode)
    if (opcode === 'call' && c.mark('(')) return { kind: 'list', elements: this.listed(')', opcode), at }
    if (c.is('mark', '!') && c.following.kind === 'word') {
      c.advance()
      const inner = this.named(opcode)
      if (inner.kind !== 'reg' || inner.variable.type !== 'pred') return c.failAt('"!" goes before a predicate', c.token)
      return { ...inner, negate: true }
    }
    const k = c.constant()
    return k.float ? { kind: 'float', bits: k.bits as 32 | 64, pattern: k.value, value: k.number, at } : { kind: 'int', value: BigInt.asIntN(64, k.value), at }
  }

  private listed(close: string, opcode: string): Operand[] {
    const { c } = this
    const elements: Operand[] = []
    if (c.mark(close)) return elements
    do elements.push(c.nested(() => this.operand(opcode))); while (c.mark(','))
    c.needMark(close)
    return elements
  }

  /** A register, special register, variable, function, label, or `_`. */
  private named(opcode: string): Operand {
    const { c } = this
    const at = c.at
    const token = c.token
    const name = token.text
    if (name === '_') { c.advance(); return { kind: 'sink', at } }
    const variable = this.scope.find(name)
    if (variable) {
      c.advance()
      if (variable.space === 'reg') return { kind: 'reg', variable, component: this.component(variable.vector > 1), negate: false, at }
      return { kind: 'symbol', variable, indexed: c.is('mark', '['), offset: this.offset(), at }
    }
    const special = specialRegister(name)
    if (name === 'WARP_SZ') { const k = c.constant(); return { kind: 'int', value: k.value, at } }
    if (special) {
      c.advance()
      const component = this.component(special === 'components')
      return { kind: 'special', name, component, at }
    }
    c.advance()
    if (name.startsWith('%')) return c.failAt(`${name} is neither declared nor a special register${this.suggestion(name)}`, token)
    if (this.outside.isFunction(name)) return { kind: 'function', name, at }
    if (opcode === 'bra' || opcode === 'brx' || opcode === 'call') {
      const operand = { kind: 'label' as const, name, target: -1, at }
      const scope = this.scope
      this.uses.push(() => {
        const known = this.branchTables.has(name) || this.callTargets.has(name) || this.callPrototypes.has(name)
        if (!known) (operand as { target: number }).target = this.target(scope, token)
      })
      return operand
    }
    return c.failAt(`${name} is not declared${this.suggestion(name)}`, token)
  }

  private suggestion(name: string): string {
    for (const known of this.scope.visible()) if (known.toLowerCase() === name.toLowerCase()) return `; did you mean ${known}?`
    return ''
  }

  private component(has: boolean): number | null {
    const { c } = this
    if (!has || !c.is('dot')) return null
    const index = components[c.token.text.slice(1)]
    if (index === undefined) c.fail(`expected a component .x .y .z .w, found ${c.shown()}`)
    c.advance()
    return index
  }

  private offset(): number {
    const { c } = this
    if (c.mark('+')) return this.wholeOffset()
    if (c.mark('-')) return -this.wholeOffset()
    if (c.mark('[')) { const n = c.integer('an offset'); c.needMark(']'); return n }
    return 0
  }

  private wholeOffset(): number {
    const start = this.c.token
    const k = this.c.constant()
    if (k.float) this.c.failAt('an offset must be a whole number', start)
    return Number(BigInt.asIntN(64, k.value))
  }

  /** After "[". */
  private address(opcode: string): Operand {
    const { c } = this
    const at = c.at
    let base: Operand | null = null
    let offset = 0n
    if (c.is('word') && !c.is('word', 'WARP_SZ')) {
      base = this.named(opcode)
      if (c.is('mark', '+') || c.is('mark', '-')) {
        const minus = c.advance().text === '-'
        const k = c.constant()
        if (k.float) c.fail('an address offset must be a whole number')
        offset = BigInt.asIntN(64, minus ? -k.value : k.value)
      }
    } else if (!c.is('mark', '{')) offset = BigInt.asIntN(64, c.constant().value)
    if (c.mark(',')) {
      const coordinates: Operand[] = []
      do coordinates.push(c.nested(() => this.operand(opcode))); while (c.mark(','))
      c.needMark(']')
      const flat = coordinates.length === 1 && coordinates[0].kind === 'vector' ? coordinates[0].elements : coordinates
      return { kind: 'tensor', map: { kind: 'address', base, offset, at }, coordinates: flat, at }
    }
    c.needMark(']')
    // A hint of ld about unified memory (PTX ISA 9.7.9.8), which has no meaning here.
    if (opcode === 'ld') c.take('dot', '.unified')
    return { kind: 'address', base, offset, at }
  }
}

/** `( .param .b32 a, .reg .u32 b )`, or nothing. */
export function parameterList(c: Cursor): Variable[] {
  if (!c.mark('(')) return []
  const all: Variable[] = []
  if (c.mark(')')) return all
  do all.push(parameter(c)); while (c.mark(','))
  c.needMark(')')
  return all
}
