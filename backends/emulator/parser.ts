// parsePtx: the text of a .ptx file -> PtxModule (PTX ISA 4, 5, 7, 11). Throws PtxError with file, line and column.
import type { Directives, PtxFunction, PtxModule, Space, Variable } from './ast.ts'
import { Cursor } from './cursor.ts'
import type { Token } from './lexer.ts'
import { BodyParser, parameterList } from './parser_body.ts'
import { attributes, declaration, spaces } from './parser_variables.ts'
import { Scope } from './scope.ts'
import { targets } from './types_table.ts'

export function parsePtx(text: string, file: string): PtxModule { return new ModuleParser(new Cursor(text, file), file).parse() }

class ModuleParser {
  private version: [number, number] | undefined
  private target: string | undefined
  private targetOptions: string[] = []
  private addressSize: 32 | 64 = 32
  private readonly globals: Variable[] = []
  private readonly functions = new Map<string, PtxFunction>()
  private readonly aliases: { alias: Token; of: Token }[] = []
  private readonly scope = new Scope(null)
  private readonly files = new Map<number, string>()

  constructor(private readonly c: Cursor, private readonly file: string) {}

  parse(): PtxModule {
    const { c } = this
    while (!c.is('end')) {
      const t = c.need('dot', 'a directive such as .version or .entry')
      if (this.version === undefined && t.text !== '.version') c.failAt(`expected .version first, found "${t.text}"`, t)
      this.directive(t)
    }
    if (!this.version) c.fail('expected .version, found an empty file')
    if (this.target === undefined) c.fail('expected .target, found none in the file')
    for (const { alias, of } of this.aliases) {
      const fn = this.functions.get(of.text) ?? c.failAt(`.alias of ${of.text}, which does not exist`, of)
      this.functions.set(alias.text, fn)
    }
    return {
      file: this.file, version: this.version!, target: this.target!, targetOptions: this.targetOptions, addressSize: this.addressSize,
      globals: this.globals, functions: this.functions,
    }
  }

  private directive(t: Token): void {
    const { c } = this
    switch (t.text) {
      case '.version': return this.readVersion()
      case '.target': return this.readTarget()
      case '.address_size': {
        const start = c.token
        const size = c.integer('.address_size')
        if (size !== 32 && size !== 64) c.failAt(`.address_size ${size} must be 32 or 64`, start)
        this.addressSize = size as 32 | 64
        return
      }
      case '.file': {
        const index = c.integer('the number of .file')
        this.files.set(index, c.need('string', 'a quoted file name').text.slice(1, -1))
        while (c.mark(',')) c.need('int', 'a number')
        return
      }
      case '.section': {
        if (!c.take('dot')) c.need('word', 'the name of a section')
        const open = c.token
        c.needMark('{')
        return c.skipBraces(open)
      }
      case '.pragma':
        do c.need('string', 'a quoted pragma'); while (c.mark(','))
        return c.needMark(';')
      case '.alias': {
        const alias = c.need('word', 'a name')
        c.needMark(',')
        this.aliases.push({ alias, of: c.need('word', 'a function') })
        return c.needMark(';')
      }
      case '.extern': case '.visible': case '.weak': case '.common': return this.linked(t)
      case '.entry': case '.func': return this.function(t.text.slice(1) as 'entry' | 'func', null)
      default:
        if (!spaces.has(t.text)) c.failAt(`unknown directive ${t.text}`, t)
        return declaration(c, this.scope, t.text.slice(1) as Space, null, this.globals)
    }
  }

  private linked(t: Token): void {
    const { c } = this
    const linking = t.text.slice(1) as Variable['linking']
    const next = c.need('dot', '.func, .entry or a state space')
    if (next.text === '.func' || next.text === '.entry') return this.function(next.text.slice(1) as 'entry' | 'func', linking)
    if (!spaces.has(next.text)) c.failAt(`expected .func, .entry or a state space, found "${next.text}"`, next)
    declaration(c, this.scope, next.text.slice(1) as Space, linking, this.globals)
  }

  private readVersion(): void {
    const { c } = this
    const t = c.need('float', 'a version such as 8.0')
    const m = /^(\d+)\.(\d)$/.exec(t.text)
    if (!m) c.failAt(`.version ${t.text} must look like 8.0`, t)
    if (this.version) c.failAt('a second .version', t)
    const version: [number, number] = [Number(m![1]), Number(m![2])]
    if (version[0] < 2 || version[0] > 9) c.failAt(`.version ${t.text} is not known; known are 6.0 to 9.x (older text from 2.0 on is read the same)`, t)
    this.version = version
  }

  private readTarget(): void {
    const { c } = this
    do {
      const t = c.need('word', 'a target such as sm_90a')
      if (/^sm_/.test(t.text)) {
        if (!targets.has(t.text)) c.failAt(`.target ${t.text} is not known; known are ${[...targets].join(' ')}`, t)
        if (this.target !== undefined && this.target !== t.text) c.failAt(`a second .target, ${t.text} after ${this.target}`, t)
        this.target = t.text
      } else if (/^(texmode_independent|texmode_unified|debug|map_f64_to_f32)$/.test(t.text)) this.targetOptions.push(t.text)
      else c.failAt(`unknown target option ${t.text}`, t)
    } while (c.mark(','))
  }

  private function(kind: 'entry' | 'func', linking: Variable['linking']): void {
    const { c } = this
    const heading = c.is('dot') ? this.performance() : {}
    const returns = kind === 'func' ? parameterList(c) : []
    const at = c.at
    const name = c.need('word', `the name of the .${kind}`)
    const params = parameterList(c)
    const directives = { ...heading, ...this.performance() }
    const earlier = this.functions.get(name.text)
    if (this.scope.has(name.text)) c.failAt(`${name.text} is a variable, it cannot be a function too`, name)
    const base = { kind, name: name.text, returns, params, directives, linking, at }
    if (earlier && !sameShape(earlier, base)) c.failAt(`${name.text} was declared with other parameters or results at line ${earlier.at.line}`, name)
    if (c.mark(';')) { if (!earlier) this.functions.set(name.text, { ...base, body: null }); return }
    if (earlier?.body) c.failAt(`.${kind} ${name.text} is defined twice`, name)
    // Known before its body is read: functions may call themselves.
    this.functions.set(name.text, { ...base, body: null })
    const open = c.token
    c.needMark('{')
    const parser = new BodyParser(c, this.scope, [...returns, ...params].filter((p) => p.name !== '_'), { isFunction: (n) => this.functions.has(n) || this.aliases.some((a) => a.alias.text === n) }, this.files)
    this.functions.set(name.text, { ...base, body: parser.parse(open) })
  }

  private performance(): Directives {
    const { c } = this
    const d: Record<string, unknown> = {}
    const numbers = () => { const list = [c.integer('an extent')]; while (c.mark(',')) list.push(c.integer('an extent')); return list }
    while (c.is('dot')) {
      const t = c.advance()
      const name = t.text.slice(1)
      if (name === 'maxntid' || name === 'reqntid' || name === 'reqnctapercluster') d[name] = numbers()
      else if (name === 'minnctapersm' || name === 'maxnctapersm' || name === 'maxnreg' || name === 'maxclusterrank') d[name] = c.integer(`.${name}`)
      else if (name === 'explicitcluster' || name === 'noreturn' || name === 'blocksareclusters') d[name] = true
      else if (name === 'pragma') { do c.need('string', 'a quoted pragma'); while (c.mark(',')); c.mark(';') }
      else if (name === 'attribute') attributes(c, t)
      else if (name === 'abi_preserve' || name === 'abi_preserve_control') c.integer(`.${name}`)
      else c.failAt(`unknown directive ${t.text} of a function`, t)
    }
    return d as Directives
  }
}

/** Whether two headings are of one function; names of parameters do not count. */
function sameShape(a: Pick<PtxFunction, 'kind' | 'returns' | 'params'>, b: Pick<PtxFunction, 'kind' | 'returns' | 'params'>): boolean {
  const shape = (list: readonly Variable[]) => list.map((v) => `${v.space} ${v.bytes} ${v.space === 'reg' ? v.type : ''}`).join()
  return a.kind === b.kind && shape(a.returns) === shape(b.returns) && shape(a.params) === shape(b.params)
}
