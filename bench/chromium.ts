// A headless Chromium with WebGPU on SwiftShader, out of the npm package @sparticuz/chromium: no system package needed.
// Chromium, its driver and its libraries are extracted once, into the user's cache.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { brotliDecompressSync } from 'node:zlib'
import type { Browser, Page } from 'playwright-core'
import { findPackage, untar } from '../backends/webgpu/swiftshader.ts'
import { InputError } from '../src/core/errors.ts'

export interface BrowserPage { page: Page; version: string; close(): Promise<void> }

/** Opens a page with WebGPU that may load the files under `root` (a folder of peers, if given) by their path. */
export async function openPage({ disableRobustness = false, root }: { disableRobustness?: boolean; root?: string } = {}): Promise<BrowserPage> {
  const server = createServer((request, response) => {
    const path = decodeURIComponent(new URL(request.url!, 'http://127.0.0.1').pathname)
    const file = root && !path.includes('..') ? join(root, path) : ''
    const found = path !== '/' && existsSync(file)
    const type = path === '/' ? 'text/html' : path.endsWith('.wasm') ? 'application/wasm' : 'text/javascript'
    response.writeHead(path === '/' || found ? 200 : 404, { 'content-type': type, 'cross-origin-opener-policy': 'same-origin', 'cross-origin-embedder-policy': 'require-corp' })
    response.end(path === '/' ? '<!doctype html><title>weft bench</title>' : found ? readFileSync(file) : '')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const browser = await launchChromium(disableRobustness ? ['--enable-dawn-features=disable_robustness'] : [])
  const page = await browser.newPage()
  // Functions sent to the page may carry this helper of the compiler in Node.
  await page.addInitScript('globalThis.__name = (f) => f')
  await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)
  return { page, version: browser.version(), close: async () => { await browser.close(); server.close() } }
}

/** A headless Chromium with WebGPU on SwiftShader. Throws InputError when a package is missing. */
export async function launchChromium(flags: readonly string[] = []): Promise<Browser> {
  const folder = await extractChromium()
  const { chromium } = await import('playwright-core').catch(() => { throw new InputError('the npm package playwright-core is not installed (npm install playwright-core)') })
  return chromium.launch({
    executablePath: join(folder, 'chromium'), env: { ...process.env, LD_LIBRARY_PATH: join(folder, 'lib') } as Record<string, string>,
    args: ['--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader', ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []), ...flags],
  })
}

async function extractChromium(): Promise<string> {
  const from = await findPackage('@sparticuz/chromium')
  if (!from) throw new InputError('the npm package @sparticuz/chromium is not installed (npm install @sparticuz/chromium@143.0.4)')
  const { version } = JSON.parse(readFileSync(join(from, 'package.json'), 'utf8')) as { version: string }
  const folder = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'weft', `chromium-${version}`)
  if (existsSync(folder)) return folder
  mkdirSync(dirname(folder), { recursive: true })
  const fresh = mkdtempSync(`${folder}.`)
  const unpacked = (name: string) => brotliDecompressSync(readFileSync(join(from, 'bin', name)))
  mkdirSync(join(fresh, 'lib'))
  writeFileSync(join(fresh, 'chromium'), unpacked('chromium.br'), { mode: 0o755 })
  for (const [name, bytes] of untar(unpacked('swiftshader.tar.br'))) writeFileSync(join(fresh, name), bytes, { mode: 0o755 })
  for (const [name, bytes] of untar(unpacked('al2023.tar.br'))) if (bytes.length) writeFileSync(join(fresh, 'lib', name), bytes, { mode: 0o755 })
  try {
    renameSync(fresh, folder)
  } catch (error) {
    rmSync(fresh, { recursive: true, force: true })
    if (!existsSync(folder)) throw error // another process was first
  }
  return folder
}
