// Declarations of variables: `.shared .align 16 .v4 .f32 tile[32][33] = {...}` (PTX ISA 5.4), and their initial contents.
import type { Initializer, Position, Space, Variable } from './ast.ts'
import type { Constant, Cursor } from './cursor.ts'
import type { Token } from './lexer.ts'
import type { Scope } from './scope.ts'
import { instructionTypes, typeBytes } from './types_table.ts'

export const spaces: ReadonlySet<string> = new Set(['.reg', '.global', '.const', '.shared', '.local', '.param', '.sreg', '.tex'])

interface Head { space: Space; type: string; vector: number; align: number; linking: Variable['linking'] }

/** After the space's directive: attributes and type in any order that people write them. */
function head(c: Cursor, space: Space, linking: Variable['linking']): Head {
  let type: string | undefined
  let vector = 1
  let align = 0
  while (type === undefined || c.is('dot')) {
    const t = c.need('dot', 'a type such as .u32')
    const name = t.text.slice(1)
    if (name === 'align') {
      const start = c.token
      align = c.integer('.align', 1)
      if ((align & (align - 1)) !== 0) c.failAt(`.align ${align} must be a power of two`, start)
    }
    else if (name === 'v2' || name === 'v4') vector = Number(name[1])
    else if (name === 'ptr') pointerAttributes(c)
    else if (name === 'attribute') attributes(c, t)
    else if (instructionTypes.has(name)) c.failAt(`.${name} is a type of instructions only; a variable holds it as .b${8 * typeBytes[name]}`, t)
    else if (typeBytes[name] !== undefined) {
      if (type !== undefined) c.failAt(`a second type, .${name} after .${type}`, t)
      type = name
    } else c.failAt(`unknown type or attribute .${name}`, t)
  }
  if (type === 'pred' && space !== 'reg') c.fail('predicates live in registers: .pred goes with .reg only')
  if (vector * typeBytes[type] > 16) c.fail(`.v${vector} .${type} is wider than 16 bytes`)
  return { space, type, vector, align, linking }
}

/** `.attribute(.managed)`, `.attribute(.unified(1, 2))`: where the driver keeps it, of no consequence here. */
export function attributes(c: Cursor, t: Token): void {
  c.needMark('(')
  for (let depth = 1; depth > 0;) {
    const next = c.advance()
    if (next.kind === 'end') c.failAt('.attribute( is never closed', t)
    if (next.kind === 'mark' && next.text === '(') depth++
    if (next.kind === 'mark' && next.text === ')') depth--
  }
}

/** `.ptr .global .align 16` of a kernel parameter: a promise to the compiler, of no consequence here. */
function pointerAttributes(c: Cursor): void {
  if (c.is('dot') && spaces.has(c.token.text)) c.advance()
  if (c.take('dot', '.align')) c.integer('.align', 1)
}

export function makeVariable(h: Head, name: string, dims: readonly number[], init: Initializer | null, at: Position): Variable {
  const elementBytes = typeBytes[h.type] * h.vector
  const bytes = dims.reduce((product, d) => product * d, elementBytes)
  return { space: h.space, type: h.type, vector: h.vector, name, dims, elementBytes, bytes, align: h.align || Math.max(1, elementBytes), init, linking: h.linking, at }
}

function dimensions(c: Cursor): number[] | undefined {
  if (!c.is('mark', '[')) return undefined
  const dims: number[] = []
  while (c.mark('[')) {
    dims.push(c.is('mark', ']') ? 0 : c.integer('an array extent'))
    c.needMark(']')
  }
  if (dims.slice(1).includes(0)) c.fail('only the first extent of an array may be left out')
  return dims
}

/** One parameter in a list, without a semicolon. */
export function parameter(c: Cursor): Variable {
  const t = c.need('dot', '.param or .reg')
  if (t.text !== '.param' && t.text !== '.reg') c.failAt(`expected .param or .reg, found "${t.text}"`, t)
  const h = head(c, t.text.slice(1) as Space, null)
  const at = c.at
  // A prototype may leave its parameters nameless: `_`.
  const name = c.need('word', 'a name').text
  return makeVariable(h, name, dimensions(c) ?? [], null, at)
}

/** A declaration statement up to its semicolon; the space's directive was taken. Adds to scope and to `all`. */
export function declaration(c: Cursor, scope: Scope, space: Space, linking: Variable['linking'], all: Variable[]): void {
  const h = head(c, space, linking)
  do {
    const at = c.at
    const token = c.need('word', 'a name')
    if (c.mark('<')) {
      if (space !== 'reg') c.failAt(`only registers come in ranges, not .${space}`, token)
      // Not a constant expression: its ">" would be a comparison.
      const count = Number(c.need('int', 'a number of registers').value)
      c.needMark('>')
      const make = (name: string) => { const v = makeVariable(h, name, [], null, at); all.push(v); return v }
      if (!scope.declareRange(token.text, count, make)) c.failAt(`${token.text}<${count}> is declared twice in this scope`, token)
      continue
    }
    let dims = dimensions(c) ?? []
    const init = c.mark('=') ? initializer(c, h, dims) : null
    if (init && dims[0] === 0) dims = [init.bytes.length / dims.slice(1).reduce((a, b) => a * b, typeBytes[h.type] * h.vector), ...dims.slice(1)]
    if (space === 'reg' && dims.length) c.failAt(`${token.text} is a register: it has no extents; a range is written %r<4>`, token)
    if (dims[0] === 0 && linking !== 'extern' && space !== 'param') c.failAt(`${token.text} has no extent; only .extern arrays may leave it out`, token)
    const variable = makeVariable(h, token.text, dims, init, at)
    if (variable.bytes > 0xffffffff) c.failAt(`${token.text} has ${variable.bytes} bytes, more than 4 GiB`, token)
    declare(c, scope, variable, token, all)
  } while (c.mark(','))
  c.needMark(';')
}

/** An .extern or .common variable may be declared again: its definition counts. */
function declare(c: Cursor, scope: Scope, variable: Variable, token: Token, all: Variable[]): void {
  if (scope.declare(variable)) { all.push(variable); return }
  const earlier = all.find((v) => v.name === variable.name)
  const announced = (v: Variable | undefined) => v?.linking === 'extern' || v?.linking === 'common'
  if (!earlier || !(announced(earlier) || announced(variable))) return c.failAt(`${token.text} is declared twice in this scope`, token)
  if (earlier.space !== variable.space || earlier.type !== variable.type || earlier.vector !== variable.vector) c.failAt(`${token.text} was declared as .${earlier.space} .${earlier.type}, not .${variable.space} .${variable.type}`, token)
  if (!announced(earlier)) return
  all[all.indexOf(earlier)] = variable
  scope.replace(variable)
}

type Relocation = Initializer['relocations'][number]

const maxInitializedBytes = 2 ** 26

function initializer(c: Cursor, h: Head, dims: readonly number[]): Initializer {
  if (h.space !== 'global' && h.space !== 'const') c.fail(`only .global and .const variables have initial contents, not .${h.space}`)
  const step = typeBytes[h.type]
  const out: number[] = []
  const relocations: Relocation[] = []
  const extents = h.vector > 1 ? [...dims, h.vector] : [...dims]
  const total = extents.reduce((a, b) => a * b, step)
  if (total > maxInitializedBytes) c.fail(`an initialised array of ${total} bytes; at most ${maxInitializedBytes} are read`)
  const put = (level: number) => {
    const start = c.token
    if (c.mark('{')) {
      const from = out.length
      while (!c.is('mark', '}')) { c.nested(() => put(level + 1)); if (!c.mark(',')) break }
      c.needMark('}')
      const whole = extents.slice(level).reduce((a, b) => a * b, step)
      if (level >= extents.length && extents.length) c.failAt('more braces than dimensions', start)
      if (whole > 0 && out.length - from > whole) c.failAt(`${(out.length - from) / step} values where ${whole / step} fit`, start)
      while (whole > 0 && out.length - from < whole) out.push(0)
    } else element(c, h.type, step, out, relocations)
  }
  put(0)
  return { bytes: Uint8Array.from(out), relocations }
}

function element(c: Cursor, type: string, step: number, out: number[], relocations: Relocation[]): void {
  const text = c.take('string')
  if (text) {
    if (step !== 1) c.failAt('a string initialises .b8 only', text)
    for (const byte of new TextEncoder().encode(text.text.slice(1, -1))) out.push(byte)
    return
  }
  const symbol = c.is('word') && !c.is('word', 'WARP_SZ')
  const masked = c.is('int') && c.following.kind === 'mark' && c.following.text === '('
  if (symbol || masked) { out.push(...address(c, step, out.length, relocations)); return }
  for (const byte of bytesOf(c, c.constant(), type, step)) out.push(byte)
}

/** `sym`, `sym + 4`, `generic(sym) + 4`, `0xff00(sym)`: zero bytes now, the address when the module is loaded. */
function address(c: Cursor, step: number, offset: number, relocations: Relocation[]): number[] {
  let shift: number | undefined
  if (c.is('int')) {
    const start = c.token
    const mask = c.advance().value
    const byte = [0, 1, 2, 3, 4, 5, 6, 7].find((b) => mask === 0xffn << BigInt(8 * b))
    if (byte === undefined) c.failAt('the mask of an address must be one whole byte, as 0xff00', start)
    shift = 8 * byte!
  }
  const open = shift !== undefined && c.mark('(')
  const generic = c.take('word', 'generic') !== undefined
  if (generic) c.needMark('(')
  const target = c.need('word', 'the name of a variable or function').text
  if (generic) c.needMark(')')
  const sign = c.mark('+') ? 1 : c.mark('-') ? -1 : 0
  const addend = sign ? sign * c.integer('an offset') : 0
  if (open) c.needMark(')')
  relocations.push({ offset, bytes: step, target, addend, generic, shift })
  return new Array<number>(step).fill(0)
}

const view = new DataView(new ArrayBuffer(8))
function bytesOf(c: Cursor, value: Constant, type: string, step: number): number[] {
  if (/^f(32|64)$/.test(type)) {
    const number = value.float ? value.number : Number(value.value)
    if (type === 'f32') view.setFloat32(0, number, true)
    else view.setFloat64(0, number, true)
    if (value.float && value.bits === 8 * step) view.setBigUint64(0, value.value, true)
  } else if (value.float) {
    if (value.bits !== 8 * step) c.fail(`a floating-point value does not initialise .${type}`)
    view.setBigUint64(0, value.value, true)
  } else view.setBigUint64(0, BigInt.asUintN(64, value.value), true)
  return Array.from({ length: step }, (_, i) => (i < 8 ? view.getUint8(i) : 0))
}
