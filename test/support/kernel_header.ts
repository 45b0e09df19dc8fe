// Reads a kernel's header (see DESIGN, "Kernels") and holds it against the kernel's text.
import { lineAt, withoutComments } from './source_files.ts'

const fields = ['grid', 'block', 'smem', 'source']
/** `x  [T, H]  f32 or bf16  in`: name, shape, type, role. A role may go on: `scratch, out of pass one`. */
const argumentLine = /^\/\/\s{2,}(\w+)\s+\[[^\]]*\]\s+(\S.*?)\s+(in|out|inout|scratch)\b/

/** Lines of the header: from `// <name>: ` on, as long as they are comments. In a .wgsl.ts file it may stand in the template. */
function header(path: string, name: string, text: string): { lines: string[]; line: number } | undefined {
  const all = text.split('\n').map((l) => l.replace(/^.*`(?=\/\/ )/, ''))
  const first = path.endsWith('.ts') ? all.findIndex((l) => l.startsWith(`// ${name}: `)) : 0
  if (first < 0 || !all[first].startsWith(`// ${name}: `)) return undefined
  const end = all.findIndex((l, i) => i > first && !l.startsWith('//'))
  return { lines: all.slice(first, end < 0 ? undefined : end), line: first + 1 }
}

/** `opArgs`: argument names of the op of that name, when there is one. */
export function headerProblems(path: string, name: string, text: string, opArgs?: readonly string[]): string[] {
  const found = header(path, name, text)
  if (!found) return [`${path}:1: first line must be \`// ${name}: <mathematics>\``]
  const { lines, line } = found
  const args = lines.map((l) => argumentLine.exec(l)?.[1]).filter((a) => a !== undefined)
  const problems = fields
    .filter((f) => !lines.some((l) => new RegExp(`^// ${f}\\s+\\S`).test(l)))
    .map((f) => `${path}:${line}: header lacks the line \`// ${f} ...\``)
  if (!args.length) problems.push(`${path}:${line}: header has no argument lines \`//   x  [T, H]  f32  in\``)
  for (const arg of opArgs ?? []) {
    if (!args.includes(arg)) problems.push(`${path}:${line}: header has no line for the op's argument ${arg}`)
  }
  return [...problems, ...bindingProblems(path, text, args)]
}

/**
 * Storage bindings come in the header's order, numbered from 0, the uniform last. A file with several entries numbers each
 * entry's bindings from 0; a binding may leave arguments out (a second pass has its own module).
 */
function bindingProblems(path: string, text: string, args: readonly string[]): string[] {
  const code = withoutWgslComments(path, text)
  const problems: string[] = []
  let next = 0
  let header = -1
  for (const m of code.matchAll(/@group\(0\)\s*@binding\((\d+)\)\s*var<(\w+)[^>]*>\s*(\w+)/g)) {
    const [, number, space, name] = m
    const at = `${path}:${lineAt(code, m.index)}`
    if (Number(number) === 0) { next = 0; header = -1 }
    if (Number(number) !== next) problems.push(`${at}: binding ${number} of ${name} must be ${next}`)
    next = Number(number) + 1
    if (space === 'uniform') { header = args.length; continue }
    const position = args.indexOf(name)
    if (position < 0) problems.push(`${at}: binding ${name} has no line in the header`)
    else if (position <= header) problems.push(`${at}: binding ${name} is out of the header's order (${args.join(', ')})`)
    header = Math.max(header, position)
  }
  return problems
}

/** The entry has the file's name; further entries of the same file start with it. */
export function entryProblems(path: string, name: string, text: string): string[] {
  const code = withoutWgslComments(path, text)
  const entry = /\.ptx(\.ts)?$/.test(path) ? /\.entry\s+(\w+|\$\{\w+\})/g : /@compute\b[^{]*?\bfn\s+(\w+|\$\{\w+\})/g
  const found = [...code.matchAll(entry)].map((m) => ({ name: m[1], line: lineAt(code, m.index) }))
  if (!found.some((e) => e.name === name || e.name.startsWith('$'))) return [`${path}:${found[0]?.line ?? 1}: the entry must be named ${name}${found.length ? `, not ${found[0].name}` : ''}`]
  return found
    .filter((e) => e.name !== name && !e.name.startsWith(`${name}_`) && !e.name.startsWith('$'))
    .map((e) => `${path}:${e.line}: entry ${e.name} must start with ${name}_`)
}

const withoutWgslComments = (path: string, text: string) =>
  path.endsWith('.ts') ? withoutComments(text) : text.replace(/\/\/[^\n]*/g, (c) => ' '.repeat(c.length))
