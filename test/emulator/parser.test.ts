// The parser: what it reads, what it refuses and where, and that no text makes it crash.
import { readdirSync, readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { PtxError } from '../../backends/emulator/ast.ts'
import { parsePtx } from '../../backends/emulator/parser.ts'

const folder = new URL('../golden/ptx-cases/', import.meta.url)
const samples = readdirSync(folder).filter((f) => f.endsWith('.ptx')).map((f) => [f, readFileSync(new URL(f, folder), 'utf8')] as const)
const head = '.version 8.0\n.target sm_80\n.address_size 64\n'
const body = (text: string) => parsePtx(`${head}.visible .entry k(.param .u64 p)\n{\n${text}\n}\n`, 'k.ptx').functions.get('k')!.body!

describe('reads', () => {
  for (const [name, text] of samples) it(name, () => expect([...parsePtx(text, name).functions.values()].some((f) => (f.body?.statements.length ?? 0) > 10)).toBe(true))
  it('registers in ranges, vectors, guards, pairs and nested labels', () => {
    const { statements, labels } = body(`.reg .pred %p<3>; .reg .b32 %r<4>; .reg .v4 .f32 %v;
      { .reg .b32 %r1; loop: add.u32 %r1, %r1, 1; @!%p1 bra loop; } { loop: setp.lt.u32 %p1|%p2, %r1, 5; bra loop; } mov.f32 %v.x, 0f3F800000;`)
    expect(statements.map((s) => s.opcode)).toEqual(['add', 'bra', 'setp', 'bra', 'mov'])
    expect(statements[1]).toMatchObject({ guard: { negate: true }, operands: [{ kind: 'label', target: 0 }] })
    expect(statements[3].operands[0]).toMatchObject({ target: 2 })
    expect(statements[2].operands[0]).toMatchObject({ kind: 'pair', first: { kind: 'reg' } })
    expect(statements[4].operands).toMatchObject([{ component: 0 }, { kind: 'float', value: 1 }])
    expect(labels.size).toBe(1)
  })
  it('constants with C precedence', () => {
    const value = (text: string) => (body(`.reg .b64 %d; mov.b64 %d, ${text};`).statements[0].operands[1] as { value: bigint }).value
    expect(['1 + 2 * 3', '(1+2)*3', '-5', '~0', '1 << 4 | 3', '0x10 >> 2', '5 > 3 ? 7 : 9', '017', '0b101', '(.u64)-1 >> 60', '7 % 4 - 1'].map(value)).toEqual([7n, 9n, -5n, -1n, 19n, 4n, 7n, 15n, 5n, 15n, 2n])
  })
  it('initial contents', () => {
    const [a, b, c] = parsePtx(`${head}.global .align 4 .u32 a[2][3] = {{1, 2}, {3}};\n.global .b8 b[] = "hi";\n.const .f32 c = 0f3F800000;\n`, 'k.ptx').globals
    expect(Array.from(new Uint32Array(a.init!.bytes.buffer))).toEqual([1, 2, 0, 3, 0, 0])
    expect([b.bytes, ...b.init!.bytes]).toEqual([2, 104, 105])
    expect(Array.from(c.init!.bytes)).toEqual([0, 0, 128, 63])
  })
})

describe('refuses, with line and column', () => {
  const cases: [string, string, RegExp][] = [
    ['an undeclared register', 'mov.u32 %x, 1;', /k\.ptx:6:9: %x is neither declared nor a special register/],
    ['a missing label', 'bra nowhere;', /k\.ptx:6:5: label nowhere does not exist/],
    ['a missing semicolon', '.reg .b32 %r; mov.u32 %r, 1', /k\.ptx:7:1: expected "," or ";" after an operand of mov, found "}"/],
    ['an unknown type', '.reg .b33 %r;', /k\.ptx:6:6: unknown type or attribute \.b33/],
    ['a second declaration', '.reg .b32 %r; .reg .b32 %r;', /%r is declared twice in this scope/],
    ['a guard that is no predicate', '.reg .b32 %r; @%r ret;', /%r is \.b32, a guard must be \.pred/],
  ]
  for (const [name, text, message] of cases) it(name, () => expect(() => body(text)).toThrow(message))
  it('an unknown target and a missing version', () => {
    expect(() => parsePtx('.version 8.0\n.target sm_99\n', 'k.ptx')).toThrow(/k\.ptx:2:9: \.target sm_99 is not known/)
    expect(() => parsePtx('.target sm_80\n', 'k.ptx')).toThrow(/k\.ptx:1:1: expected \.version first/)
  })
  it('deep nesting', () => expect(() => body('{'.repeat(100000))).toThrow(/nested more than 200 deep/))
})

describe('modules', () => {
  const parse = (text: string) => parsePtx(`${head}${text}`, 'k.ptx')
  const entry = 'entry k() { ret; }'
  it('directives of functions and variables', () => {
    const m = parse(`.global .attribute(.managed) .align 4 .u32 m;\n.global .attribute(.unified(19,2048)) .f32 y;\n.extern .global .u32 x;\n.visible .global .u32 x = 4;
      .func (.reg .u32 r) f (.reg .u32 a, .reg .f64 b);\n.func (.reg .u32 r) f (.reg .u32 a, .reg .f64 b) { ret; }\n.func g () .noreturn { trap; }\n.visible .func alias1 ();\n.alias alias1, g;
      .visible .entry k (.param .u64 .ptr .global .align 16 p, .param .align 64 .b8 q[128], .param .f32 r[4]) .maxntid 32, 2, 1 .minnctapersm 2 .maxnreg 64 .pragma "nounroll"; { .pragma "nounroll"; ret; }
      .entry c () .explicitcluster .reqnctapercluster 2, 1, 1 { ret; }`)
    expect(m.globals.map((g) => [g.name, g.init?.bytes[0] ?? null])).toEqual([['m', null], ['y', null], ['x', 4]])
    expect(m.functions.get('k')!.directives).toMatchObject({ maxntid: [32, 2, 1], minnctapersm: 2, maxnreg: 64 })
    expect(m.functions.get('k')!.params.map((p) => [p.name, p.bytes, p.align])).toEqual([['p', 8, 8], ['q', 128, 64], ['r', 16, 4]])
    expect(m.functions.get('alias1')!.body).toBe(m.functions.get('g')!.body)
    expect(m.functions.get('c')!.directives).toMatchObject({ explicitcluster: true, reqnctapercluster: [2, 1, 1] })
  })
  it('debug sections, line markers and old DWARF text are skipped; .loc gives the source', () => {
    const m = parse(`.file 1 "a.cu", 123, 456\n# 1 "x.cu"\n#line 3 "x.cu"\n.visible .entry k() { .loc 1 7 3, function_name $L__info0, inlined_at 1 3 0\nret; }\n.section .debug_str { $L__info0: .b8 0 }\n@@DWARF .section .debug_pubnames, "", @progbits\n`)
    expect(m.functions.get('k')!.body!.statements[0].source).toEqual({ file: 'a.cu', line: 7 })
  })
  it('names of one scope are taken once', () => {
    const cases: [string, RegExp][] = [
      [`.global .u32 x; .global .u32 x;`, /x is declared twice/], [`.${entry} .${entry}`, /\.entry k is defined twice/], ['.func f(.param .b32 a); .func f(.param .b64 a) { ret; }', /f was declared with other parameters/],
      [`.global .u32 k; .${entry}`, /k is a variable, it cannot be a function/], ['.entry k() { .reg .u32 a; a: ret; }', /a is a variable of this scope/], ['.entry k(.param .u32 x, .param .u32 x) { ret; }', /k\.ptx:4:\d+: parameter x is declared twice/],
      ['.entry k() { .reg .u32 %a[4]; ret; }', /%a is a register/], ['.shared .b8 s[];', /s has no extent/], ['.entry k() { .reg .bf16 %h; ret; }', /\.bf16 is a type of instructions only; a variable holds it as \.b16/],
    ]
    for (const [text, why] of cases) expect(() => parse(text), text).toThrow(why)
    expect(() => parse('.global .u32 x; .entry k() { .reg .u64 x; { .reg .f32 x; mov.f32 x, 1.0; } mov.u64 x, 1; ret; }')).not.toThrow()
  })
})

it('mutated text gives a module or a PtxError', () => {
  fc.assert(fc.property(fc.constantFrom(...samples), fc.array(fc.tuple(fc.nat(), fc.nat(40), fc.constantFrom('', ';', '{', '}', '[', '(', '.', '%r1', '"', '/*', '0x', '1e', ',', '@', '<', '|')), { minLength: 1, maxLength: 6 }), ([name, text], edits) => {
    let mutated = text
    for (const [at, length, insert] of edits) { const i = at % mutated.length; mutated = mutated.slice(0, i) + insert + mutated.slice(i + length) }
    try { parsePtx(mutated, name) } catch (error) { if (!(error instanceof PtxError)) throw error }
  }), { numRuns: 300 })
})
