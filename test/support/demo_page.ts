// The built demo in a real headless Chromium with WebGPU, served from a folder below the root, as any host may serve it.
import { createServer, type Server } from 'node:http'
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { extname, join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'vite'

const types: Readonly<Record<string, string>> = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css', '.json': 'application/json', '.wasm': 'application/wasm', '.txt': 'text/plain' }

export interface ServedDemo { readonly url: string; close(): void }

/** Builds the page into a folder of its own and serves it at `/some/folder/`. */
export async function serveDemo(): Promise<ServedDemo> {
  const outDir = mkdtempSync(join(tmpdir(), 'weft-demo-'))
  await build({ configFile: fileURLToPath(new URL('../../demo/vite.config.ts', import.meta.url)), logLevel: 'error', build: { outDir, emptyOutDir: true } })
  const server: Server = createServer((request, response) => {
    const path = decodeURIComponent(new URL(request.url!, 'http://x').pathname)
    const inside = path.startsWith('/some/folder/') ? path.slice('/some/folder/'.length) || 'index.html' : undefined
    const file = inside === undefined ? undefined : normalize(join(outDir, inside))
    if (!file?.startsWith(outDir) || !statSync(file, { throwIfNoEntry: false })?.isFile()) { response.writeHead(404).end(); return }
    response.writeHead(200, { 'content-type': types[extname(file)] ?? 'application/octet-stream' }).end(readFileSync(file))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  return { url: `http://127.0.0.1:${port}/some/folder/`, close: () => { server.close(); rmSync(outDir, { recursive: true, force: true }) } }
}
