// The demo: a static page, hosted from any folder.
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vite'
import { textPlugin } from '../tools/text_plugin.ts'

/** Node's half of device.ts stands behind dynamic imports that a browser never takes: empty modules in their place. */
const nodeSide = () => ({
  name: 'weft-node-side',
  enforce: 'pre' as const,
  load: (id: string) => (/backends\/(cuda\/driver_koffi|webgpu\/(node_adapter|swiftshader|nap)|emulator\/node_worker)\.ts$/.test(id) ? { code: 'export {}', moduleSideEffects: false } : undefined),
})

export default defineConfig({
  root: fileURLToPath(new URL('.', import.meta.url)),
  base: './',
  plugins: [nodeSide(), textPlugin()],
  worker: { format: 'es', plugins: () => [nodeSide(), textPlugin()] },
  // A data: URL would break the page's content security policy.
  build: { outDir: '../dist-demo', emptyOutDir: true, target: 'es2022', assetsInlineLimit: 0, modulePreload: { polyfill: false } },
  server: { host: '127.0.0.1' },
  preview: { host: '127.0.0.1' },
})
