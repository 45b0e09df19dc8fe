// `weft train` as its user meets it: a signal saves, the same command goes on, the folder holds what it should.
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, it } from 'vitest'
import { smallRun, smallText } from '../support/small_run.ts'

const repo = fileURLToPath(new URL('../..', import.meta.url))
const root = mkdtempSync(join(tmpdir(), 'weft-train-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))
const out = join(root, 'run')
const config = join(root, 'config.json')
writeFileSync(join(root, 'text.txt'), smallText())
writeFileSync(config, JSON.stringify(smallRun({ train: { steps: 400, sequenceLength: 8, batchSize: 1 }, data: { kind: 'files', paths: [join(root, 'text.txt')] } })))

function weft(args: string[], onLine: (line: string, kill: (signal: NodeJS.Signals) => void) => void = () => {}) {
  const child = spawn(process.execPath, ['--import', 'tsx', '--import', './tools/text_loader.mjs', 'src/cli/main.ts', ...args], { cwd: repo })
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk
    for (const line of String(chunk).split('\n')) if (line) onLine(line, (s) => child.kill(s))
  })
  child.stderr.on('data', (chunk: Buffer) => { stderr += chunk })
  return new Promise<{ code: number | null; stdout: string; stderr: string }>((resolve) => child.once('exit', (code) => resolve({ code, stdout, stderr })))
}

it('SIGINT ends the step, saves and says how to go on; the same command goes on and finishes', async () => {
  const args = ['train', '--config', config, '--device', 'cpu', '--out', out]
  let sent = false
  const cut = await weft([...args, '--json'], (line, kill) => { if (line.includes('"step"') && !sent) { sent = true; kill('SIGINT') } })
  expect(cut.code).toBe(130)
  expect(cut.stderr).toMatch(/SIGINT: ending this step and saving/)
  const rest = await weft([...args, '--steps', '60'])
  expect(rest.code).toBe(0)
  expect(rest.stdout).toMatch(/going on from .*step-\d+/)
  expect(rest.stdout).toMatch(/held-back loss \d\.\d+ nats per byte \(byte bigrams on the same text: \d/)
  expect(rest.stdout).toMatch(/next: weft generate --model/)
  for (const name of ['config.json', 'metrics.jsonl', 'report.html', 'step-60/model.safetensors', 'step-60/manifest.json']) expect(existsSync(join(out, name)), name).toBe(true)
  const steps = readFileSync(join(out, 'metrics.jsonl'), 'utf8').trim().split('\n').map((l) => JSON.parse(l)).filter((r) => r.event === 'step').map((r) => r.step)
  expect(steps).toEqual(Array.from({ length: 60 }, (_, i) => i + 1))

  const done = await weft([...args, '--steps', '60'])
  expect(done.code).toBe(0)
  expect(done.stdout).toMatch(/done already/)

  const text = await weft(['generate', '--model', out, '--tokens', '10', '--device', 'cpu', '--json'])
  expect(text.code).toBe(0)
  expect(JSON.parse(text.stdout).text.startsWith('In the beginning')).toBe(true)
}, 120_000)
