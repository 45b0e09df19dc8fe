// The packed package, unpacked into an empty folder: the command and the API work there, without the checkout and the network.
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { repositoryRoot } from '../support/source_files.ts'

const folder = mkdtempSync(join(tmpdir(), 'weft-package-'))
const installed = join(folder, 'node_modules', 'weft')

interface Manifest { bin: { weft: string }; dependencies: Record<string, string>; optionalDependencies: Record<string, string> }
const manifest = () => JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8')) as Manifest
const run = (file: string, args: string[], cwd: string) => execFileSync(file, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
const weft = (...args: string[]) => run(process.execPath, [join(installed, manifest().bin.weft), ...args], folder)

beforeAll(() => {
  run('npm', ['run', '-s', 'build'], repositoryRoot)
  const [{ filename }] = JSON.parse(run('npm', ['pack', '--json', '--offline', '--pack-destination', folder], repositoryRoot)) as { filename: string }[]
  mkdirSync(installed, { recursive: true })
  run('tar', ['-xzf', join(folder, filename), '-C', installed, '--strip-components=1'], folder)
  // What `npm install` would fetch; the package with SwiftShader is what a machine without a GPU adds.
  const { dependencies, optionalDependencies } = manifest()
  for (const name of [...Object.keys({ ...dependencies, ...optionalDependencies }), '@sparticuz/chromium']) {
    const link = join(folder, 'node_modules', name)
    mkdirSync(dirname(link), { recursive: true })
    symlinkSync(join(repositoryRoot, 'node_modules', name), link)
  }
}, 60_000)

afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('the packed package', () => {
  it('runs weft doctor', () => {
    const lines = weft('doctor', '--json').trim().split('\n').map((l) => JSON.parse(l) as { event: string; item: string; state: string })
    const state = Object.fromEntries(lines.map((l) => [l.item, l.state]))
    expect(Object.keys(state)).toEqual(expect.arrayContaining(['node', 'webgpu', 'cpu', 'auto']))
    expect(state.cpu).toMatch(/^works/)
    expect(state.auto).toMatch(/^takes /)
    if (process.platform === 'linux' && process.arch === 'x64') expect(state.webgpu).toMatch(/^works/)
  })

  it('finds its presets and every command', () => {
    expect(weft('train', '--help')).toMatch(/tiny/)
    expect(weft('help')).toMatch(/train[^]*check[^]*doctor|doctor[^]*train/)
  })

  it('is imported as weft', () => {
    const script = `const w = await import('weft'); const { device } = await w.openDevice('cpu'); const t = device.tensor('f32', [2], [1, 2])
      process.stdout.write(device.name + ' ' + [...await t.read()].join())`
    expect(run(process.execPath, ['--input-type=module', '-e', script], folder)).toBe('cpu 1,2')
  })

  it('brings its types, for either way of resolving modules', () => {
    const use = (body: string) => `import { openDevice, parseRunConfig, TokenData, Trainer, type StepMetrics } from 'weft'
const { device, why } = await openDevice('cpu')
const config = parseRunConfig({}, 'none')
const data = new TokenData(new Uint8Array(9), { sequenceLength: 4, vocabSize: 256, validationFraction: 0, seed: 1, extra: 1 })
const metrics: StepMetrics = await new Trainer({ device, config, data }).queueStep()
${body}
export {}
`
    const check = (body: string, module: string, moduleResolution: string) => {
      writeFileSync(join(folder, 'use.ts'), use(body))
      return spawnSync(process.execPath, [join(repositoryRoot, 'node_modules/typescript/bin/tsc'), '--noEmit', '--strict', '--skipLibCheck', '--target', 'es2022', '--module', module, '--moduleResolution', moduleResolution, '--types', '', 'use.ts'], { cwd: folder, encoding: 'utf8' })
    }
    writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
    const good = 'const loss: number = metrics.loss; const text: string = why; export { loss, text }'
    for (const [module, resolution] of [['nodenext', 'nodenext'], ['esnext', 'bundler']]) expect(check(good, module, resolution).stdout, resolution).toBe('')
    const bad = check('const loss: string = metrics.loss; export { loss }', 'nodenext', 'nodenext')
    expect(bad.status).not.toBe(0)
    expect(bad.stdout).toMatch(/'number' is not assignable to type 'string'/)
  })

  it('starts with #! and names no path of the checkout', () => {
    expect(readFileSync(join(installed, manifest().bin.weft), 'utf8')).toMatch(/^#!\/usr\/bin\/env node\n/)
    for (const file of readdirSync(join(installed, 'dist'), { recursive: true, encoding: 'utf8' })) {
      if (!file.endsWith('.mjs')) continue
      expect(readFileSync(join(installed, 'dist', file), 'utf8'), file).not.toContain(repositoryRoot)
    }
  })
})
