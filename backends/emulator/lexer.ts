// Text -> tokens of PTX (PTX ISA 4, Syntax). Linear in the length of the text; every token knows its line and column.
import { PtxError, type Position } from './ast.ts'

/**
 * `word` names (with %, $, _), `dot` a directive, modifier or component (`.u32`, `.shared::cluster`) without its dot, `int`,
 * `float`, `string`, `mark` one or two characters of punctuation, `end`.
 */
export interface Token {
  readonly kind: 'word' | 'dot' | 'int' | 'float' | 'string' | 'mark' | 'end'
  readonly text: string
  readonly value: bigint
  /** Of a float: its bits, 32 for 0f, 64 otherwise. */
  readonly bits: 0 | 32 | 64
  readonly at: number
}

// Line markers of a preprocessor (`# 1 "x.cu"`, `#line 1`) and DWARF text of old compilers (`@@DWARF ...`) are blank too.
const space = /[ \t\r\f\v\n]+|\/\/[^\n]*|\/\*[^]*?\*\/|#[ \t]*(?:line[ \t]+)?\d[^\n]*|@@[Dd][Ww][Aa][Rr][Ff][^\n]*/y
const word = /[A-Za-z_$][A-Za-z0-9_$]*|%[A-Za-z0-9_$]+/y
// A modifier may begin with a digit (.1d, .4x) and hold `::` (.mbarrier::complete_tx::bytes).
const dot = /\.[A-Za-z0-9_$]+(?:::[A-Za-z0-9_$]+)*/y
const decimalFloat = /\d+(?:\.\d*(?:[eE][+-]?\d+)?|[eE][+-]?\d+)|\.\d+(?:[eE][+-]?\d+)?/y
const hexFloat = /0[fF][0-9a-fA-F]{8}(?![0-9a-zA-Z_])|0[dD][0-9a-fA-F]{16}(?![0-9a-zA-Z_])/y
const integer = /0[xX][0-9a-fA-F]+U?|0[bB][01]+U?|\d+U?/y
const text = /"(?:[^"\\\n]|\\.)*"/y
const marks = ['<<', '>>', '<=', '>=', '==', '!=', '&&', '||']

const scratch = new DataView(new ArrayBuffer(8))

export function bitsOfDouble(value: number): bigint {
  scratch.setFloat64(0, value)
  return scratch.getBigUint64(0)
}

export class Lexer {
  readonly tokens: Token[] = []
  private readonly lineStarts: number[] = [0]

  constructor(readonly source: string, readonly file: string) {
    for (let i = source.indexOf('\n'); i >= 0; i = source.indexOf('\n', i + 1)) this.lineStarts.push(i + 1)
    let at = 0
    const match = (pattern: RegExp) => {
      pattern.lastIndex = at
      return pattern.exec(source)?.[0]
    }
    const push = (kind: Token['kind'], t: string, value = 0n, bits: Token['bits'] = 0) => { this.tokens.push({ kind, text: t, value, bits, at }); at += t.length }
    while (at < source.length) {
      const blank = match(space)
      if (blank !== undefined) { at += blank.length; continue }
      if (source.startsWith('/*', at)) this.fail(at, 'this comment does not end')
      const c = source[at]
      let t: string | undefined
      if ((t = match(word)) !== undefined) push('word', t)
      else if ((t = match(hexFloat)) !== undefined) push('float', t, BigInt(`0x${t.slice(2)}`), t[1] === 'f' || t[1] === 'F' ? 32 : 64)
      else if ((c >= '0' && c <= '9') || (c === '.' && this.numberMayBegin(at) && source[at + 1] >= '0' && source[at + 1] <= '9')) {
        t = match(decimalFloat)
        if (t !== undefined) push('float', t, bitsOfDouble(Number(t)), 64)
        else this.pushInteger(match(integer)!, push)
      } else if ((t = match(dot)) !== undefined) push('dot', t)
      else if ((t = match(text)) !== undefined) push('string', t)
      else {
        const two = source.slice(at, at + 2)
        if (marks.includes(two)) push('mark', two)
        else if ('()[]{}<>,;:@!|&^~+-*/%?='.includes(c)) push('mark', c)
        else this.fail(at, `unexpected character ${JSON.stringify(c)}`)
      }
    }
    push('end', '')
  }

  /** `.5` is a number behind punctuation or blanks, a modifier (`.1d`) right behind an opcode. */
  private numberMayBegin(at: number): boolean {
    const last = this.tokens.at(-1)
    return last === undefined || last.kind === 'mark' || (last.kind !== 'dot' && last.at + last.text.length < at)
  }

  private pushInteger(t: string, push: (kind: 'int', t: string, value: bigint) => void): void {
    const digits = t.replace(/U$/, '')
    const octal = /^0[0-9]+$/.test(digits)
    if (octal && /[89]/.test(digits)) this.fail(this.tokens.at(-1)?.at ?? 0, `${t} is not an octal number`)
    const value = octal ? BigInt(`0o${digits.slice(1)}`) : BigInt(digits)
    push('int', t, BigInt.asUintN(64, value))
  }

  position(at: number): Position {
    let low = 0, high = this.lineStarts.length - 1
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if (this.lineStarts[middle] <= at) low = middle
      else high = middle - 1
    }
    return { line: low + 1, column: at - this.lineStarts[low] + 1 }
  }

  fail(at: number, problem: string): never { throw new PtxError(this.file, this.position(at), problem) }
}
