// A place in the tokens of a file, with what parsers say to it; constant expressions (PTX ISA 4.5).
import { PtxError, type Position } from './ast.ts'
import { Lexer, bitsOfDouble, type Token } from './lexer.ts'

export interface Constant { readonly float: boolean; readonly value: bigint; readonly number: number; readonly bits: 0 | 32 | 64; readonly unsigned: boolean }

const precedence: Readonly<Record<string, number>> = { '||': 1, '&&': 2, '|': 3, '^': 4, '&': 5, '==': 6, '!=': 6, '<': 7, '<=': 7, '>': 7, '>=': 7, '<<': 8, '>>': 8, '+': 9, '-': 9, '*': 10, '/': 10, '%': 10 }
const maxDepth = 200

export class Cursor {
  private readonly lexer: Lexer
  private readonly tokens: readonly Token[]
  index = 0
  private depth = 0

  constructor(source: string, readonly file: string) {
    this.lexer = new Lexer(source, file)
    this.tokens = this.lexer.tokens
  }

  get token(): Token { return this.tokens[this.index] }
  get following(): Token { return this.tokens[Math.min(this.index + 1, this.tokens.length - 1)] }
  get at(): Position { return this.lexer.position(this.token.at) }
  fail(problem: string, token: Token = this.token): never { return this.lexer.fail(token.at, problem) }
  failAt(problem: string, token: Token): never { return this.lexer.fail(token.at, problem) }
  failAtPosition(problem: string, at: Position): never { throw new PtxError(this.file, at, problem) }
  advance(): Token { const t = this.token; if (t.kind !== 'end') this.index++; return t }
  shown(token: Token = this.token): string { return token.kind === 'end' ? 'the end of the file' : `"${token.text}"` }

  is(kind: Token['kind'], text?: string): boolean { return this.token.kind === kind && (text === undefined || this.token.text === text) }
  take(kind: Token['kind'], text?: string): Token | undefined { return this.is(kind, text) ? this.advance() : undefined }
  mark(text: string): boolean { return this.take('mark', text) !== undefined }
  need(kind: Token['kind'], what: string): Token { return this.take(kind) ?? this.fail(`expected ${what}, found ${this.shown()}`) }
  needMark(text: string): void { if (!this.mark(text)) this.fail(`expected "${text}", found ${this.shown()}`) }

  /** Guards recursion: deep nesting is refused, not a stack overflow. */
  nested<T>(run: () => T): T {
    if (++this.depth > maxDepth) this.fail(`nested more than ${maxDepth} deep`)
    const result = run()
    this.depth--
    return result
  }

  /** Tokens up to the brace that closes the one just taken. */
  skipBraces(open: Token): void {
    for (let depth = 1; depth > 0;) {
      const t = this.advance()
      if (t.kind === 'end') this.failAt('this "{" is never closed', open)
      if (t.kind === 'mark' && t.text === '{') depth++
      if (t.kind === 'mark' && t.text === '}') depth--
    }
  }

  constant(): Constant {
    const condition = this.binary(1)
    if (!this.mark('?')) return condition
    const yes = this.nested(() => this.constant())
    this.needMark(':')
    const no = this.nested(() => this.constant())
    return condition.value !== 0n ? yes : no
  }

  /** A constant that must be a whole number from `low` on. */
  integer(what: string, low = 0): number {
    const start = this.token
    const c = this.constant()
    if (c.float || c.value < BigInt(low) || c.value > 0xffffffffn) this.failAt(`${what} must be a whole number from ${low} on`, start)
    return Number(c.value)
  }

  private binary(level: number): Constant {
    let left = this.unary()
    for (;;) {
      const own = this.token.kind === 'mark' ? precedence[this.token.text] : undefined
      if (own === undefined || own < level) return left
      const operator = this.advance()
      const right = this.nested(() => this.binary(own + 1))
      left = left.float || right.float ? this.combineFloats(operator, left, right) : this.combine(operator, left, right)
    }
  }

  /** In doubles. */
  private combineFloats(operator: Token, { number: a, float: first }: Constant, { number: b, float: second }: Constant): Constant {
    if (!first || !second) this.failAt(`"${operator.text}" of a floating-point and an integer constant`, operator)
    const truth = (v: boolean) => whole(v ? 1n : 0n, false)
    const real = (number: number): Constant => ({ float: true, value: bitsOfDouble(number), number, bits: 64, unsigned: false })
    switch (operator.text) {
      case '+': return real(a + b)
      case '-': return real(a - b)
      case '*': return real(a * b)
      case '/': return real(a / b)
      case '==': return truth(a === b)
      case '!=': return truth(a !== b)
      case '<': return truth(a < b)
      case '<=': return truth(a <= b)
      case '>': return truth(a > b)
      case '>=': return truth(a >= b)
      default: return this.failAt(`"${operator.text}" does not go with floating-point constants`, operator)
    }
  }

  private combine(operator: Token, left: Constant, right: Constant): Constant {
    const unsigned = left.unsigned || right.unsigned
    const wrap = (v: bigint) => (unsigned ? BigInt.asUintN(64, v) : BigInt.asIntN(64, v))
    const [a, b] = [wrap(left.value), wrap(right.value)]
    const truth = (v: boolean) => whole(v ? 1n : 0n, false)
    switch (operator.text) {
      case '||': return truth(a !== 0n || b !== 0n)
      case '&&': return truth(a !== 0n && b !== 0n)
      case '==': return truth(a === b)
      case '!=': return truth(a !== b)
      case '<': return truth(a < b)
      case '<=': return truth(a <= b)
      case '>': return truth(a > b)
      case '>=': return truth(a >= b)
      case '|': return whole(a | b, unsigned)
      case '^': return whole(a ^ b, unsigned)
      case '&': return whole(a & b, unsigned)
      case '<<': return whole(wrap(a << (b & 63n)), left.unsigned)
      case '>>': return whole((left.unsigned ? BigInt.asUintN(64, a) : BigInt.asIntN(64, a)) >> (b & 63n), left.unsigned)
      case '+': return whole(wrap(a + b), unsigned)
      case '-': return whole(wrap(a - b), unsigned)
      case '*': return whole(wrap(a * b), unsigned)
      default:
        if (b === 0n) this.failAt('division by zero', operator)
        return whole(wrap(operator.text === '/' ? a / b : a % b), unsigned)
    }
  }

  private unary(): Constant {
    const t = this.token
    if (t.kind === 'mark' && '-+~!('.includes(t.text)) {
      this.advance()
      if (t.text === '(') {
        const cast = this.is('dot', '.s64') || this.is('dot', '.u64') ? this.advance().text : undefined
        const inner = cast ? undefined : this.nested(() => this.constant())
        this.needMark(')')
        if (inner) return inner
        const c = this.nested(() => this.unary())
        return whole(cast === '.u64' ? BigInt.asUintN(64, c.value) : BigInt.asIntN(64, c.value), cast === '.u64')
      }
      const c = this.nested(() => this.unary())
      if (t.text === '+') return c
      if (c.float) {
        if (t.text !== '-') this.failAt(`"${t.text}" does not go with a floating-point constant`, t)
        return { ...c, number: -c.number, value: c.value ^ (1n << BigInt(c.bits - 1)) }
      }
      if (t.text === '!') return whole(c.value === 0n ? 1n : 0n, false)
      return whole(BigInt.asIntN(64, t.text === '-' ? -c.value : ~c.value), c.unsigned)
    }
    if (t.kind === 'int') { this.advance(); return whole(t.value, /U$/.test(t.text) || t.value >= 1n << 63n) }
    if (t.kind === 'float') { this.advance(); return { float: true, value: t.value, number: numberOf(t.value, t.bits as 32 | 64), bits: t.bits, unsigned: false } }
    if (this.take('word', 'WARP_SZ')) return whole(32n, false)
    return this.fail(`expected a constant, found ${this.shown()}`)
  }
}

const whole = (value: bigint, unsigned: boolean): Constant => ({ float: false, value, number: Number(value), bits: 0, unsigned })

const scratch = new DataView(new ArrayBuffer(8))
export function numberOf(pattern: bigint, bits: 32 | 64): number {
  if (bits === 32) { scratch.setUint32(0, Number(pattern)); return scratch.getFloat32(0) }
  scratch.setBigUint64(0, pattern)
  return scratch.getFloat64(0)
}
