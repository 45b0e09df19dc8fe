// kill -9 at random moments: the newest complete checkpoint always loads, and the run that goes on equals the quiet one.
import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, it } from 'vitest'
import { NodeFiles } from '../../src/io/node/files.ts'
import { findCheckpoint } from '../../src/train/checkpoint.ts'
import { smallRun, smallText } from '../support/small_run.ts'

const numKills = process.env.FULL ? 100 : 20
const steps = numKills * 3
const seed = Number(process.env.KILL_SEED ?? 1)
const repo = fileURLToPath(new URL('../..', import.meta.url))
const root = mkdtempSync(join(tmpdir(), 'weft-kill-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))

const config = join(root, 'config.json')
writeFileSync(join(root, 'text.txt'), smallText())
writeFileSync(config, JSON.stringify(smallRun({
  model: { num_nextn_predict_layers: 0, hidden_size: 16, num_attention_heads: 1 },
  train: { steps, sequenceLength: 8, batchSize: 1 }, data: { kind: 'files', paths: [join(root, 'text.txt')] }, checkpoint: { every: 1, keep: 2 },
})))

function start(out: string): ChildProcess {
  return spawn(process.execPath, ['--import', 'tsx', '--import', './tools/text_loader.mjs', 'src/cli/main.ts', 'train',
    '--config', config, '--device', 'cpu', '--out', out, '--json'], { cwd: repo, stdio: ['ignore', 'pipe', 'pipe'] })
}

const ended = (child: ChildProcess) => new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)))

/** Kills after the first checkpoint of this life plus a random moment of up to three steps. */
async function liveAndDie(out: string, random: () => number): Promise<void> {
  const child = start(out)
  const dead = ended(child)
  const delayMs = random() * 40
  child.stdout!.on('data', (chunk: Buffer) => { if (chunk.includes('"checkpoint"')) setTimeout(() => child.kill('SIGKILL'), delayMs) })
  await dead
}

const bytesOf = (dir: string) => Object.fromEntries(readdirSync(dir).sort().map((f) => [f, readFileSync(join(dir, f)).toString('base64')]))
const lossesIn = (dir: string) => readFileSync(join(dir, 'metrics.jsonl'), 'utf8').trim().split('\n').map((l) => JSON.parse(l))
  .filter((r) => r.event === 'step').map((r) => [r.step, r.loss, r.gradNorm])

it(`survives ${numKills} kills (KILL_SEED=${seed})`, async () => {
  const quiet = join(root, 'quiet')
  const cut = join(root, 'cut')
  expect(await ended(start(quiet))).toBe(0)
  let state = seed
  const random = () => ((state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32)
  let newest = 0
  for (let i = 0; i < numKills; i++) {
    await liveAndDie(cut, random)
    const found = await findCheckpoint(new NodeFiles(), cut, { readOnly: true })
    expect(found, `after kill ${i}`).toBeDefined()
    expect(found!.step).toBeGreaterThan(newest)
    newest = found!.step
  }
  expect(newest).toBeLessThanOrEqual(steps)
  expect(await ended(start(cut))).toBe(0)
  expect(bytesOf(join(cut, `step-${steps}`))).toEqual(bytesOf(join(quiet, `step-${steps}`)))
  expect(lossesIn(cut)).toEqual(lossesIn(quiet))
}, 1_800_000)
