// The README's program runs as it stands (with the checkout in place of the installed package).
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { expect, it } from 'vitest'

const repo = fileURLToPath(new URL('..', import.meta.url))

it('the program in the README trains', () => {
  const program = /```ts\n([\s\S]*?)```/.exec(readFileSync(join(repo, 'README.md'), 'utf8'))![1]
  const dir = mkdtempSync(join(repo, '.readme-'))
  try {
    const file = join(dir, 'program.ts')
    writeFileSync(file, program.replace(`'weft'`, JSON.stringify(pathToFileURL(join(repo, 'src/index.ts')).href)))
    const out = execFileSync(process.execPath, ['--import', 'tsx', '--import', './tools/text_loader.mjs', file], { cwd: repo, encoding: 'utf8' })
    const losses = [...out.matchAll(/loss (\d+\.\d+), gradient/g)].map((m) => Number(m[1]))
    expect(losses).toHaveLength(20)
    expect(losses.at(-1)).toBeLessThan(losses[0])
    expect(out).toMatch(/held-back loss: \d/)
  } finally {
    rmSync(dir, { recursive: true })
  }
}, 120_000)
