// The checkout as text, for conventions.test.ts: files with their lines, code without comments, and who imports whom.
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Path from the repository root (with forward slashes) -> text. */
export type SourceFiles = ReadonlyMap<string, string>

export const repositoryRoot = join(dirname(fileURLToPath(import.meta.url)), '..', '..')

export function readSourceFiles(folders: readonly string[]): SourceFiles {
  const files = new Map<string, string>()
  const visit = (path: string) => {
    for (const entry of readdirSync(join(repositoryRoot, path), { withFileTypes: true })) {
      const child = `${path}/${entry.name}`
      if (entry.isDirectory()) { if (entry.name !== 'node_modules') visit(child) }
      else if (/\.(ts|mjs|js|wgsl|ptx|html|css)$/.test(entry.name)) files.set(child, readFileSync(join(repositoryRoot, child), 'utf8'))
    }
  }
  const present = new Set(readdirSync(repositoryRoot))
  for (const folder of folders) if (present.has(folder)) visit(folder)
  return files
}

export interface Import {
  /** As written. */
  specifier: string
  /** The file in the repository that a relative specifier names; undefined for packages and node: modules. */
  target: string | undefined
  line: number
  kind: 'static' | 'dynamic' | 'type'
}

/** Every import and re-export of a module. `import()` with a computed name is not seen. */
export function importsOf(path: string, text: string): Import[] {
  const code = withoutComments(text)
  const found: Import[] = []
  const add = (at: number, specifier: string, kind: Import['kind']) => {
    const target = specifier.startsWith('.') ? normalize(join(dirname(path), specifier)).replaceAll('\\', '/') : undefined
    found.push({ specifier, target, line: lineAt(code, at), kind })
  }
  // `[^'"`;]*?` cannot run over another string, so a binding list is all that lies between keyword and specifier.
  for (const m of code.matchAll(/\b(import|export)\s+(type\s)?([^'"`;=]*?)\bfrom\s*(['"])([^'"]+)\4/g)) {
    const namesOnlyTypes = /^\s*\{(\s*type\s+[^,}]+,?)+\s*\}\s*$/.test(m[3])
    add(m.index, m[5], m[2] || namesOnlyTypes ? 'type' : 'static')
  }
  for (const m of code.matchAll(/\bimport\s*(['"])([^'"]+)\1/g)) add(m.index, m[2], 'static')
  for (const m of code.matchAll(/\bimport\s*\(\s*(['"])([^'"]+)\1/g)) {
    // `typeof import('x')` and `import('x').Type` in a type position load nothing, but are rare enough to count as dynamic.
    add(m.index, m[2], 'dynamic')
  }
  return found.sort((a, b) => a.line - b.line)
}

export const lineAt = (text: string, index: number): number => {
  let line = 1
  for (let i = text.indexOf('\n'); i >= 0 && i < index; i = text.indexOf('\n', i + 1)) line++
  return line
}

/** Comments become spaces: line numbers and columns stay. Knows strings, templates and regular expressions (also WGSL, PTX). */
export function withoutComments(text: string): string {
  const out = text.split('')
  const blank = (from: number, to: number) => { for (let i = from; i < to; i++) if (out[i] !== '\n') out[i] = ' ' }
  const templates: number[] = [] // brace depth at which each open `${` ends
  let depth = 0
  let last = '' // last character that was code and no space
  let i = 0
  const template = () => { // at the character after ` or after the } that ends a `${`
    for (; i < text.length && text[i] !== '`'; i++) {
      if (text[i] === '\\') i++
      else if (text[i] === '$' && text[i + 1] === '{') { templates.push(depth); i += 2; return }
    }
    i++
  }
  while (i < text.length) {
    const c = text[i]
    if (c === '/' && text[i + 1] === '/') {
      const end = text.indexOf('\n', i)
      blank(i, (i = end < 0 ? text.length : end))
      continue
    }
    if (c === '/' && text[i + 1] === '*') {
      const end = text.indexOf('*/', i + 2)
      blank(i, (i = end < 0 ? text.length : end + 2))
      continue
    }
    if (c === "'" || c === '"') i = skipUntil(text, i + 1, c)
    else if (c === '`') { i++; template() }
    else if (c === '/' && (last === '' || /[(,=:[!&|?{};+>]/.test(last) || /\b(return|of|in|case)\s*$/.test(text.slice(Math.max(0, i - 8), i)))) i = skipRegex(text, i + 1)
    else {
      if (c === '{') depth++
      if (c === '}') {
        if (templates.at(-1) === depth) { templates.pop(); i++; template(); last = '`'; continue }
        depth--
      }
      i++
    }
    if (!/\s/.test(c)) last = c
  }
  return out.join('')
}

/** Index after the closing quote; a string never spans lines. */
function skipUntil(text: string, from: number, quote: string): number {
  for (let i = from; i < text.length; i++) {
    if (text[i] === '\\') i++
    else if (text[i] === quote) return i + 1
    else if (text[i] === '\n') return i
  }
  return text.length
}

function skipRegex(text: string, from: number): number {
  let inClass = false
  for (let i = from; i < text.length; i++) {
    if (text[i] === '\n') return i
    if (text[i] === '\\') i++
    else if (text[i] === '[') inClass = true
    else if (text[i] === ']') inClass = false
    else if (text[i] === '/' && !inClass) return i + 1
  }
  return text.length
}
