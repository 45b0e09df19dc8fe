// A scanner for JSON that comes from outside. JSON.parse keeps the last of two equal keys, rounds 2^53 + 1, takes 1e3
// and -0 for integers and parses 200,000 nested arrays. Here the caller says what it expects at each place, so depth is
// bounded by the caller's own code, and an object is never built: keys go to a callback.
import { InputError } from '../core/errors.ts'
import { quote } from './files.ts'

const blank = (code: number) => code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09
const escapes: Record<string, string> = { '"': '"', '\\': '\\', '/': '/', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' }

export class JsonScanner {
  private at = 0

  /** `where` opens every error message: the file, and which part of it. */
  constructor(private readonly text: string, private readonly where: string) {}

  fail(problem: string): never {
    throw new InputError(`${this.where}: ${problem}, at character ${this.at}`)
  }

  /** Reads `{...}`; `onKey` must read the value. A key that comes twice is an error. */
  object(what: string, onKey: (key: string) => void): void {
    this.open('{', what, 'an object')
    const seen = new Set<string>()
    for (let first = true; !this.close('}', first, what); first = false) {
      const key = this.string(`a key of ${what}`)
      if (seen.has(key)) this.fail(`${what} has the key ${quote(key)} twice`)
      seen.add(key)
      this.skipBlanks()
      if (this.text[this.at] !== ':') this.fail(`key ${quote(key)} of ${what} must be followed by ':'`)
      this.at++
      onKey(key)
    }
  }

  /** Reads `[...]`; `onItem` must read each value. */
  array(what: string, onItem: () => void): void {
    this.open('[', what, 'an array')
    for (let first = true; !this.close(']', first, what); first = false) onItem()
  }

  /** Reads an integer 0 <= n < 2^53, written 0 or without a leading zero, sign, fraction or exponent. */
  integer(what: string): number {
    this.skipBlanks()
    const start = this.at
    let value = 0
    while (this.isDigit(this.at)) {
      value = value * 10 + (this.text.charCodeAt(this.at++) - 48) // exact up to 2^53
      if (value > Number.MAX_SAFE_INTEGER) this.fail(`${what} must be below 2^53`)
    }
    const digits = this.at - start
    const next = this.text[this.at]
    if (digits === 0 || (digits > 1 && this.text[start] === '0') || next === '.' || next === 'e' || next === 'E') {
      this.fail(`${what} is ${quote(this.text.slice(start, start + 20))}, must be an integer of plain digits`)
    }
    return value
  }

  string(what: string): string {
    this.skipBlanks()
    if (this.text[this.at] !== '"') this.fail(`${what} is ${this.glimpse()}, must be a string`)
    this.at++
    let value = ''
    for (let start = this.at; ; ) {
      const code = this.text.charCodeAt(this.at) // NaN at the end
      if (code === 0x22) {
        value += this.text.slice(start, this.at++)
        break
      }
      if (!(code >= 0x20)) this.fail(Number.isNaN(code) ? `${what} never ends` : `${what} contains a raw control character`)
      if (code !== 0x5c) {
        this.at++
        continue
      }
      value += this.text.slice(start, this.at) + this.escape(what)
      start = this.at
    }
    // A lone surrogate cannot be written back as UTF-8: two different names would become one.
    if (/[\ud800-\udfff]/.test(value) && /\p{Surrogate}/u.test(value)) this.fail(`${what} contains half of a surrogate pair`)
    return value
  }

  /** Reads any value and forgets it; arrays and objects at most `depth` deep. */
  skip(what: string, depth: number): void {
    this.skipBlanks()
    const c = this.text[this.at]
    if ((c === '{' || c === '[') && depth === 0) this.fail(`${what} is nested too deeply`)
    if (c === '{') return this.object(what, () => this.skip(what, depth - 1))
    if (c === '[') return this.array(what, () => this.skip(what, depth - 1))
    if (c === '"') return void this.string(what)
    const literal = /(?:true|false|null|-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)(?![\w.+-])/y
    literal.lastIndex = this.at
    if (!literal.test(this.text)) this.fail(`${what} is ${this.glimpse()}, must be a JSON value`)
    this.at = literal.lastIndex
  }

  /** Nothing may follow but characters that `padding` allows. */
  end(padding: (code: number) => boolean = blank): void {
    for (; this.at < this.text.length; this.at++) {
      if (!padding(this.text.charCodeAt(this.at))) this.fail(`${this.glimpse()} follows the end of the JSON text`)
    }
  }

  private escape(what: string): string {
    const c = this.text[this.at + 1]
    if (c === 'u') {
      const hex = this.text.slice(this.at + 2, this.at + 6)
      if (!/^[0-9a-fA-F]{4}$/.test(hex)) this.fail(`${what} contains a bad \\u escape`)
      this.at += 6
      return String.fromCharCode(parseInt(hex, 16))
    }
    if (c === undefined || !Object.hasOwn(escapes, c)) this.fail(`${what} contains a bad escape`)
    this.at += 2
    return escapes[c]
  }

  private open(bracket: string, what: string, kind: string): void {
    this.skipBlanks()
    if (this.text[this.at] !== bracket) this.fail(`${what} is ${this.glimpse()}, must be ${kind}`)
    this.at++
  }

  /** True when the bracket closes here; otherwise the scanner stands before the next item. */
  private close(bracket: string, first: boolean, what: string): boolean {
    this.skipBlanks()
    const c = this.text[this.at]
    if (c === bracket) {
      this.at++
      return true
    }
    if (first) return false
    if (c !== ',') this.fail(`${what} continues with ${this.glimpse()}, must go on with ',' or '${bracket}'`)
    this.at++
    this.skipBlanks()
    if (this.text[this.at] === bracket) this.fail(`${what} has a comma before '${bracket}'`)
    return false
  }

  private glimpse(): string {
    return this.at >= this.text.length ? 'cut short' : quote(this.text.slice(this.at, this.at + 20))
  }

  private skipBlanks(): void {
    while (blank(this.text.charCodeAt(this.at))) this.at++
  }

  private isDigit(at: number): boolean {
    const code = this.text.charCodeAt(at)
    return code >= 48 && code <= 57
  }
}
