import { describe, expect, test } from 'vitest'
import type { Files } from '../../src/io/files.ts'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { NodeFiles } from '../../src/io/node/files.ts'
import { CheckpointNotSaved, findCheckpoint, saveCheckpoint } from '../../src/train/checkpoint.ts'
import { readContent, writeContent } from '../support/checkpoint_content.ts'
import { type Fault, FaultyFiles } from '../support/faulty_files.ts'
import { MemoryFiles } from '../support/memory_files.ts'

const faults: Fault[] = ['ENOSPC', 'EIO', 'short', 'lost']

/** What is newest and whole now; throws when the content is not that of its step. */
async function newest(files: Files, dir: string): Promise<{ step: number; scale: number } | undefined> {
  const found = await findCheckpoint(files, dir)
  return found && { step: found.step, scale: await readContent(files, found.dir, found.step) }
}

/** Steps 1 and 2 are saved; then step `next` is saved with a fault. Returns whether the fault came. */
async function saveWithFault(disk: Files, dir: string, next: number, failAt: number, fault: Fault, sticky: boolean): Promise<boolean> {
  for (const step of [1, 2]) await saveCheckpoint(disk, dir, step, writeContent(step))
  const files = new FaultyFiles(disk, { failAt, fault, sticky })
  const error = await saveCheckpoint(files, dir, next, writeContent(next, 5)).then(() => undefined, (e) => e)
  if (error) expect(error).toBeInstanceOf(CheckpointNotSaved)
  const found = await newest(disk, dir)
  const what = `${fault} at call ${failAt}${sticky ? ' and after' : ''}`
  if (!error) expect(found, what).toEqual({ step: next, scale: 5 })
  // A save that reports failure may still have reached the disk: its last fsync failed. Old or new, but whole.
  else expect([{ step: 2, scale: 1 }, { step: next, scale: 5 }], what).toContainEqual(found)
  // The run goes on: the next save works, and clears what was left behind.
  await saveCheckpoint(disk, dir, 4, writeContent(4))
  expect(await newest(disk, dir), what).toEqual({ step: 4, scale: 1 })
  expect((await disk.list(dir)).filter((name) => name.startsWith('.')), what).toEqual([])
  return files.fired > 0
}

describe('a fault at every call of a save', () => {
  const cases = faults.flatMap((fault) => [3, 2].flatMap((next) => [false, true].map((sticky) => [fault, next, sticky] as const)))
  test.each(cases)('%s, saving step %i, sticky %s: in memory', async (fault, next, sticky) => {
    let failAt = 1
    while (await saveWithFault(new MemoryFiles(), 'run', next, failAt, fault, sticky)) failAt++
    expect(failAt).toBeGreaterThan(20)
  })

  test('on the real file system', async () => {
    for (let failAt = 1, fired = true; fired; failAt += process.env.FULL ? 1 : 3) {
      const dir = await mkdtemp(join(tmpdir(), 'weft-fault-'))
      fired = await saveWithFault(new NodeFiles(), `${dir}/run`, 3, failAt, failAt % 2 ? 'short' : 'ENOSPC', false)
      await rm(dir, { recursive: true })
    }
  })
})

test('a fault at every call of a search: the next search finds the newest', async () => {
  for (const fault of ['EIO', 'ENOSPC'] as const) {
    for (let failAt = 1; ; failAt++) {
      const disk = new MemoryFiles()
      for (const step of [1, 2]) await saveCheckpoint(disk, 'run', step, writeContent(step))
      await disk.makeDir('run/.tmp-3-x')
      disk.poke('run/.tmp-3-x/a', new Uint8Array(3))
      const files = new FaultyFiles(disk, { failAt, fault })
      const found = await findCheckpoint(files, 'run').catch((error) => {
        expect(error.code).toBe(fault)
        return { step: 'threw' }
      })
      expect(found?.step, `call ${failAt}`).toBeDefined() // never "there is none"
      expect(await newest(disk, 'run')).toEqual({ step: 2, scale: 1 })
      if (!files.fired) break
    }
  }
})

describe('a power failure at every call', () => {
  /** Runs `act`; after each change every state that the disk could be found in must hold an acceptable checkpoint. */
  async function everyImage(disk: MemoryFiles, act: () => Promise<unknown>, acceptable: (found: unknown) => void): Promise<number> {
    let images = 0
    disk.onChange = async () => {
      for (const image of disk.crashImages()) {
        acceptable(await newest(image, 'run'))
        images++
      }
    }
    await act()
    await disk.onChange()
    return images
  }

  test('while saving the next step: the old or the new one; once acknowledged, the new one', async () => {
    const disk = new MemoryFiles()
    for (const step of [1, 2]) await saveCheckpoint(disk, 'run', step, writeContent(step))
    let acknowledged = false
    const images = await everyImage(disk,
      async () => { await saveCheckpoint(disk, 'run', 3, writeContent(3)); acknowledged = true },
      (found) => {
        const fine = acknowledged ? [{ step: 3, scale: 1 }] : [{ step: 2, scale: 1 }, { step: 3, scale: 1 }]
        expect(fine).toContainEqual(found)
      })
    expect(images).toBeGreaterThan(100)
  })

  test('while replacing a step: one of its two versions', async () => {
    const disk = new MemoryFiles()
    for (const step of [1, 2]) await saveCheckpoint(disk, 'run', step, writeContent(step))
    let acknowledged = false
    await everyImage(disk,
      async () => { await saveCheckpoint(disk, 'run', 2, writeContent(2, 9)); acknowledged = true },
      (found) => expect(acknowledged ? [{ step: 2, scale: 9 }] : [{ step: 2, scale: 1 }, { step: 2, scale: 9 }]).toContainEqual(found))
  })

  test('while sweeping after a crash in the middle of a replacement', async () => {
    const disk = new MemoryFiles()
    for (const step of [1, 2]) await saveCheckpoint(disk, 'run', step, writeContent(step))
    await disk.rename('run/step-2', 'run/.old-2-abc')
    await disk.sync('run')
    await everyImage(disk, () => findCheckpoint(disk, 'run'), (found) => expect(found).toEqual({ step: 2, scale: 1 }))
  })
})
