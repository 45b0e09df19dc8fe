// Instruction forms as the ISA writes them: an opcode has a list of lines, each with its modifiers and types; a statement fits
// one of them or is refused by name. The assembler takes modifiers in any order (types keep theirs), and so does this.
import type { Statement } from '../ast.ts'
import type { DecodeContext, Decoded, Decoder } from '../decode.ts'
import { typeBytes } from '../types_table.ts'
import { lack } from './free_modifiers.ts'

export interface Need { readonly ptx?: number; readonly sm?: number }
export type FormDecoder = (m: Match, s: Statement, ctx: DecodeContext) => Decoded
/** `needs` of the whole line, and of single modifiers by name. */
export interface Form { readonly groups: readonly Group[]; readonly types: readonly (readonly string[])[]; readonly decode: FormDecoder; readonly needs: Need; readonly modifierNeeds: Readonly<Record<string, Need>> }
/** By opcode, with the modifiers that belong to its name: `add`, `mul.wide`, `cvt.pack`. */
export type Forms = Readonly<Record<string, readonly Form[]>>
interface Group { readonly names: readonly string[]; readonly optional: boolean }

/** The modifiers of a statement that fits a form. */
export class Match {
  constructor(readonly types: readonly string[], private readonly modifiers: readonly string[]) {}
  get type(): string { return this.types[0] }
  has(name: string): boolean { return this.modifiers.includes(name) }
  /** The one of these that stands there. */
  one<T extends string>(...names: readonly T[]): T | undefined { return names.find((n) => this.modifiers.includes(n)) }
}

/**
 * `'rn|rz|rm|rp? ftz? .f32|f64'`: groups of modifiers of which one stands (or with `?` none); with a dot, types in order.
 */
export function form(syntax: string, decode: FormDecoder, needs: Need = {}, modifierNeeds: Readonly<Record<string, Need>> = {}): Form {
  const words = syntax.split(' ').filter(Boolean)
  const groups = words.filter((w) => w[0] !== '.').map((w) => ({ names: w.replace('?', '').split('|'), optional: w.endsWith('?') }))
  return { groups, types: words.filter((w) => w[0] === '.').map((w) => w.slice(1).split('|')), decode, needs, modifierNeeds }
}

/** All forms of each opcode, from several chapters, as decoders. */
export function formChapter(...chapters: readonly Forms[]): Record<string, Decoder> {
  const all = new Map<string, Form[]>()
  for (const chapter of chapters) for (const [opcode, forms] of Object.entries(chapter)) all.set(opcode, [...(all.get(opcode) ?? []), ...forms])
  return Object.fromEntries([...all].map(([opcode, forms]) => [opcode, decoderOf(opcode, forms)]))
}

const isType = (name: string) => typeBytes[name] !== undefined || typeNames.has(name)
/** Types that no register has. */
const typeNames = new Set(['u2', 's2', 'u4', 's4', 'e2m1x2', 'e2m3x2', 'e3m2x2', 'ue8m0x2', 'f32x2', 'e4m3x4', 'e5m2x4', 'e2m1x4'])

function decoderOf(opcode: string, forms: readonly Form[]): Decoder {
  const ownModifiers = opcode.split('.').length - 1
  const known = new Set(forms.flatMap((f) => [...f.groups.flatMap((g) => g.names), ...f.types.flat()]))
  return (s, ctx) => {
    const rest = s.modifiers.slice(ownModifiers)
    const types = rest.filter(isType), modifiers = rest.filter((m) => !isType(m))
    const stranger = rest.find((m) => !known.has(m))
    if (stranger !== undefined) ctx.error(`${[s.opcode, ...s.modifiers].join('.')}: unknown modifier .${stranger}`)
    const twice = modifiers.find((m, i) => modifiers.indexOf(m) !== i)
    if (twice !== undefined) ctx.error(`.${twice} stands twice`)
    const typed = forms.filter((f) => f.types.length === types.length && f.types.every((slot, i) => slot.includes(types[i])))
    if (typed.length === 0) ctx.error(wrongTypes(opcode, types, forms))
    let problem = ''
    let needed = ''
    for (const f of typed) {
      const misfit = fault(f, modifiers)
      if (misfit === undefined) {
        const lack = lacking(ctx, opcode, f, types, modifiers)
        if (lack !== undefined) { needed ||= lack; continue }
        ctx.modifiers.takeAll()
        if (s.operands[0]?.kind === 'sink') ctx.error('the result must be a register', s.operands[0].at)
        return f.decode(new Match(types, modifiers), s, ctx)
      }
      problem = misfit
    }
    const nowhere = modifiers.find((m) => !typed.some((f) => f.groups.some((g) => g.names.includes(m))))
    if (nowhere !== undefined) problem = `.${nowhere} does not go with ${types.map((t) => `.${t}`).join('') || 'this form'}`
    return ctx.error(`${[s.opcode, ...s.modifiers].join('.')}: ${needed || problem}`)
  }
}

/** What keeps the modifiers from fitting the form. */
function fault(f: Form, modifiers: readonly string[]): string | undefined {
  const left = new Set(modifiers)
  for (const g of f.groups) {
    const own = g.names.filter((n) => left.delete(n))
    if (own.length > 1) return `.${own[0]} and .${own[1]} exclude each other`
    if (own.length === 0 && !g.optional) return `${g.names.length > 1 ? 'one of ' : ''}${g.names.map((n) => `.${n}`).join(' ')} is needed`
  }
  const [stranger] = left
  return stranger === undefined ? undefined : `.${stranger} does not go with ${f.types.flat().map((t) => `.${t}`).join(' ') || 'this form'}`
}

function lacking(ctx: DecodeContext, opcode: string, f: Form, types: readonly string[], modifiers: readonly string[]): string | undefined {
  const all: [string, Need][] = [[[opcode, ...types].join('.'), f.needs], ...modifiers.filter((m) => f.modifierNeeds[m]).map((m): [string, Need] => [`.${m} of ${opcode}`, f.modifierNeeds[m]])]
  for (const [what, need] of all) {
    const problem = lack(ctx, what, need.ptx ?? 0, need.sm)
    if (problem !== undefined) return problem
  }
  return undefined
}

function wrongTypes(opcode: string, types: readonly string[], forms: readonly Form[]): string {
  const shown = types.map((t) => `.${t}`).join('')
  const some = [...new Set(forms.map((f) => f.types.map((slot) => (slot.length > 1 ? `.{${slot.join(' ')}}` : `.${slot[0]}`)).join('')))].slice(0, 6)
  return `${opcode} ${types.length ? `has no form for ${shown}` : 'lacks its type'}; it has ${some.join(', ') || 'none'}`
}
