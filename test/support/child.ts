// Starts a TypeScript file as a process of its own. It is bundled first, once: a bundle starts in 50 ms, through tsx it
// takes ten times as long, and the kill tests start many.
import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { basename, join } from 'node:path'
import { build } from 'vite'

/** Path of the bundle, in outDir. */
export async function bundle(entry: string, outDir: string): Promise<string> {
  await build({
    configFile: false, logLevel: 'silent', publicDir: false,
    build: { ssr: entry, outDir, emptyOutDir: false, minify: false, target: 'node20', rollupOptions: { output: { entryFileNames: '[name].mjs' } } },
  })
  return join(outDir, basename(entry).replace(/\.ts$/, '.mjs'))
}

export interface Child { process: ChildProcess; lines: string[]; errors: () => string; exited: Promise<number | null>; line: () => Promise<string> }

/** `line` gives the next line of stdout, or '' once the process has ended. `lines` holds all that came so far. */
export function start(script: string, args: string[], onLine: (line: string) => void = () => {}): Child {
  const child = spawn(process.execPath, [script, ...args], { stdio: ['pipe', 'pipe', 'pipe'] })
  const lines: string[] = []
  const waiting: ((line: string) => void)[] = []
  let given = 0
  let ended = false
  let errors = ''
  const serve = () => {
    while (waiting.length && (given < lines.length || ended)) waiting.shift()!(lines[given++] ?? '')
  }
  child.stderr.on('data', (data) => { errors += String(data) })
  const reader = createInterface({ input: child.stdout })
  reader.on('line', (line) => { lines.push(line); onLine(line); serve() })
  const exited = new Promise<number | null>((resolve) => child.on('close', (code) => { ended = true; serve(); resolve(code) }))
  return { process: child, lines, errors: () => errors, exited, line: () => new Promise((resolve) => { waiting.push(resolve); serve() }) }
}
