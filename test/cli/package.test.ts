// The packed package, unpacked into an empty folder: the command and the API work there, without the checkout and the network.
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
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
  run(process.execPath, ['node_modules/vite/bin/vite.js', 'build', '--config', 'tools/vite.build.ts', '--logLevel', 'error'], repositoryRoot)
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

  it('starts with #! and names no path of the checkout', () => {
    expect(readFileSync(join(installed, manifest().bin.weft), 'utf8')).toMatch(/^#!\/usr\/bin\/env node\n/)
    for (const file of readdirSync(join(installed, 'dist'), { recursive: true, encoding: 'utf8' })) {
      if (!file.endsWith('.mjs')) continue
      expect(readFileSync(join(installed, 'dist', file), 'utf8'), file).not.toContain(repositoryRoot)
    }
  })
})
