// Reads kernels' headers (see DESIGN, "Kernels") and holds them against the kernels' text.
import { lineAt, withoutComments } from './source_files.ts'

const fields = ['grid', 'block', 'smem', 'source']
/** `x  [T, H]  f32 or bf16  in`: name, shape, type, role. A role may go on: `scratch, out of pass one`. */
const argumentLine = /^\/\/\s{2,}(\w+)\s+\[[^\]]*\]\s+(\S.*?)\s+(in|out|inout|scratch)\b/

/** One kernel of a file. A .wgsl file is one; a .wgsl.ts file may hold several, each with its header. */
interface Kernel { name: string; line: number; header: string[]; args: string[]; body: string; bodyLine: number }

function kernelsIn(path: string, name: string, text: string): Kernel[] {
  const typescript = path.endsWith('.ts')
  const lines = text.split('\n').map((l) => (typescript ? l.replace(/^.*`(?=\/\/ )/, '') : l))
  const starts = lines.flatMap((l, i) => {
    const first = /^\/\/ ([a-z][a-z0-9_]*): \S/.exec(l)
    return first && (typescript || i === 0) && (first[1] === name || first[1].startsWith(`${name}_`)) ? [{ at: i, name: first[1] }] : []
  })
  return starts.map((start, k) => {
    let end = start.at
    // A line that is all `${...}` may bring header lines of its own.
    while (end < lines.length && (lines[end].startsWith('//') || (typescript && /^\$\{.*\}$/.test(lines[end])))) end++
    const header = lines.slice(start.at, end)
    return {
      name: start.name, line: start.at + 1, header, args: header.map((l) => argumentLine.exec(l)?.[1]).filter((a) => a !== undefined),
      body: text.split('\n').slice(end, starts[k + 1]?.at).join('\n'), bodyLine: end,
    }
  })
}

/** `opArgs`: argument names of the op of the file's name, when there is one. */
export function headerProblems(path: string, name: string, text: string, opArgs: readonly string[] = []): string[] {
  const kernels = kernelsIn(path, name, text)
  if (!kernels.length) return [`${path}:1: first line must be \`// ${name}: <mathematics>\``]
  const problems = kernels.flatMap((k) => {
    const where = k.header.some((l) => l.startsWith('${')) ? text.split('\n').map((l) => l.replace(/^.*`(?=\/\/ )/, '')) : k.header
    return [
      ...fields.filter((f) => !where.some((l) => new RegExp(`^// ${f}\\s+\\S`).test(l))).map((f) => `${path}:${k.line}: header lacks the line \`// ${f} ...\``),
      ...(k.args.length ? [] : [`${path}:${k.line}: header has no argument lines \`//   x  [T, H]  f32  in\``]),
      ...bindingProblems(path, k),
    ]
  })
  const named = new Set(kernels.flatMap((k) => k.args))
  return [...problems, ...opArgs.filter((a) => !named.has(a)).map((a) => `${path}:${kernels[0].line}: header has no line for the op's argument ${a}`)]
}

/**
 * Storage bindings come in the header's order, numbered on, the uniform last. Going back to a smaller number starts the next
 * pass. A pass may leave arguments out; a second name for one (WGSL cannot declare it twice) is said somewhere in the header.
 */
function bindingProblems(path: string, { args, header, body, bodyLine }: Kernel): string[] {
  const code = withoutKernelComments(path, body)
  const problems: string[] = []
  let last = -1
  let position = -1
  for (const m of code.matchAll(/@group\(0\)\s*@binding\((\d+)\)\s*var<(\w+)[^>]*>\s*(\w+)/g)) {
    const [, digits, space, name] = m
    const number = Number(digits)
    const at = `${path}:${bodyLine + lineAt(code, m.index)}`
    if (number <= last) position = -1
    else if (number !== last + 1) problems.push(`${at}: binding ${number} of ${name} must be ${last + 1}`)
    last = number
    if (space === 'uniform') { position = args.length; continue }
    const found = args.indexOf(name)
    if (found < 0) {
      if (!header.some((l) => new RegExp(`\\b${name}\\b`).test(l))) problems.push(`${at}: binding ${name} is not in the header`)
    } else if (found <= position) problems.push(`${at}: binding ${name} is out of the header's order (${args.join(', ')})`)
    position = Math.max(position, found)
  }
  return problems
}

/** The entry has the kernel's name; the passes of a kernel have that name and a word. */
export function entryProblems(path: string, name: string, text: string): string[] {
  const code = withoutKernelComments(path, text)
  const entry = /\.ptx(\.ts)?$/.test(path) ? /\.entry\s+([\w$]+)/g : /@compute\b[^{]*?(?:\$\{[^}]*\}[^{]*?)*\bfn\s+([\w$]+)/g
  const found = [...code.matchAll(entry)].map((m) => ({ name: m[1], line: lineAt(code, m.index) }))
  if (!found.length && !path.endsWith('.ts')) return [`${path}:1: has no entry`]
  return found
    .filter((e) => e.name !== name && !e.name.startsWith(`${name}_`) && !e.name.startsWith('$'))
    .map((e) => `${path}:${e.line}: the entry must be named ${name}, or ${name}_<pass>, not ${e.name}`)
}

const withoutKernelComments = (path: string, text: string) =>
  path.endsWith('.ts') ? withoutComments(text) : text.replace(/\/\/[^\n]*/g, (c) => ' '.repeat(c.length))
