// vite plugin: `import text from './x.wgsl'` gives the file's text as a module (no data: URL, so a strict CSP holds).
export function textPlugin() {
  return {
    name: 'weft-text',
    transform(code: string, id: string) {
      if (/\.(wgsl|ptx)$/.test(id)) return { code: `export default ${JSON.stringify(code)}`, map: null }
    },
  }
}
