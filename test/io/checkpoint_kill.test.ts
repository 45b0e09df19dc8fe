import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { NodeFiles } from '../../src/io/node/files.ts'
import { findCheckpoint } from '../../src/train/checkpoint.ts'
import { bundle, start } from '../support/child.ts'
import { readContent } from '../support/checkpoint_content.ts'

let dir = ''
let script = ''
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'weft-kill-'))
  script = await bundle(join(import.meta.dirname, 'kill_child.ts'), dir)
})
afterAll(() => rm(dir, { recursive: true, force: true }))

/** mulberry32: the moments of the kills follow from the seed; how far the child has got by then does not. */
function random(seed: number): () => number {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

const numKills = process.env.FULL ? 300 : 20

test(`${numKills} x kill -9 while saving: an acknowledged checkpoint is never lost, and the next start goes on from it`, async () => {
  const seed = Number(process.env.SEED ?? Date.now() % 1e6)
  const next = random(seed)
  const run = `${dir}/run`
  const files = new NodeFiles()
  let acknowledged = 0
  let onDisk = 0 // what the last search found: acknowledged, or saved just before the kill
  let leftovers = 0
  for (let kill = 0; kill < numKills; kill++) {
    const child = start(script, [run])
    // Some kills fall into the start (lock, sweep, search), most into one of the first saves.
    const lines = next() < 0.15 ? 0 : 1 + Math.floor(next() * 3)
    for (let i = 0; i < lines; i++) await child.line()
    await new Promise((resolve) => setTimeout(resolve, next() * (lines ? 15 : 60)))
    child.process.kill('SIGKILL')
    await child.exited
    const what = `SEED=${seed}, kill ${kill}: ${child.lines} ${child.errors()}`
    expect(child.errors(), what).toBe('')
    for (const [i, line] of child.lines.entries()) {
      expect(line, what).toBe(i ? `saved ${onDisk + i}` : `from ${onDisk}`)
      if (i) acknowledged = onDisk + i
    }
    leftovers += (await files.stat(run)) ? (await files.list(run)).filter((n) => /^\.(tmp|del|old)-/.test(n)).length : 0
    const found = await findCheckpoint(files, run, { readOnly: true, warn: (m) => expect(m, what).toBe('') })
    if (found) await readContent(files, found.dir, found.step)
    onDisk = found?.step ?? 0
    expect(onDisk, what).toBeGreaterThanOrEqual(acknowledged)
  }
  expect(acknowledged, 'the children got somewhere').toBeGreaterThan(numKills / 4)
  expect(leftovers, 'some kills fell into a save').toBeGreaterThan(0)
}, numKills * 3000)
