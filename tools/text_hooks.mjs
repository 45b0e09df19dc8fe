// Node loader hook: `import text from './x.wgsl'` gives the file's text. vite and vitest do the same in text_plugin.ts.
import { readFile } from 'node:fs/promises'

export async function load(url, context, next) {
  if (!/\.(wgsl|ptx)$/.test(url)) return next(url, context)
  const text = await readFile(new URL(url), 'utf8')
  return { format: 'module', shortCircuit: true, source: `export default ${JSON.stringify(text)}` }
}
