import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { InputError } from '../../src/core/errors.ts'
import { type LockOwner, lockRunDir } from '../../src/io/node/lock.ts'
import { type Child, bundle, start } from '../support/child.ts'

let base = ''
let script = ''
let run = ''
let number = 0
beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), 'weft-lock-'))
  script = await bundle(join(import.meta.dirname, 'lock_child.ts'), base)
})
beforeEach(() => { run = `${base}/run${number++}` })
afterAll(() => rm(base, { recursive: true, force: true }))

const kill = async (child: Child) => {
  child.process.kill('SIGKILL')
  await child.exited
}
const owner = (over: Partial<LockOwner>): LockOwner => ({ pid: process.pid, startTicks: '', host: hostname(), bootId: '', nonce: 'aaaaaaaaaaaa', ...over })
const plant = async (over: Partial<LockOwner>, name = '.lock') => {
  await (await lockRunDir(run)).release() // makes the directory
  await writeFile(`${run}/${name}`, JSON.stringify(owner(over)))
}
/** A pid that no process has: above the kernel's limit. */
const noPid = 2 ** 22 + 12345

describe('the lock of a run directory', () => {
  test('one at a time, in one process too', async () => {
    const lock = await lockRunDir(run)
    expect(lock.owner.pid).toBe(process.pid)
    await expect(lockRunDir(run)).rejects.toThrow(InputError)
    await expect(lockRunDir(run)).rejects.toThrow(`another run (pid ${process.pid}) is using ${run}`)
    expect(await readdir(run)).toEqual(['.lock'])
    await lock.release()
    expect(await readdir(run)).toEqual([])
    const second = await lockRunDir(run)
    await lock.release() // the old handle must not open the new lock
    await expect(lockRunDir(run)).rejects.toThrow(InputError)
    await second.release()
  })

  test('a living process refuses, a killed one does not', async () => {
    const child = start(script, [run, 'hold'])
    expect(await child.line()).toBe('locked')
    await expect(lockRunDir(run)).rejects.toThrow(`another run (pid ${child.process.pid}) is using ${run}`)
    await kill(child)
    const lock = await lockRunDir(run)
    expect(await readdir(run)).toEqual(['.lock'])
    await lock.release()
  })

  test('stale: no such process, another boot, a pid that was given away', async () => {
    const startTicks = (await lockRunDir(run).then(async (l) => { await l.release(); return l.owner })).startTicks
    for (const over of [{ pid: noPid }, { bootId: 'before' }, ...(startTicks ? [{ startTicks: '1' }] : [])]) {
      await plant(over)
      const lock = await lockRunDir(run)
      expect(JSON.parse(await readFile(`${run}/.lock`, 'utf8'))).toEqual(lock.owner)
      await lock.release()
    }
    await plant({ startTicks })
    await expect(lockRunDir(run)).rejects.toThrow(InputError)
  })

  test('another host cannot be asked', async () => {
    await plant({ host: 'elsewhere', pid: noPid })
    await expect(lockRunDir(run)).rejects.toThrow(`another run (pid ${noPid}) is using ${run} on elsewhere; if it is gone, remove ${run}/.lock`)
  })

  test('a torn lock is stale', async () => {
    for (const text of ['', '{', 'null', '[]', '{"pid":"1"}', '{"pid":1,"nonce":"../x"}', '\0\0\0']) {
      await plant({})
      await writeFile(`${run}/.lock`, text)
      await (await lockRunDir(run)).release()
      expect(await readdir(run), text).toEqual([])
    }
  })

  test('a takeover that died half way is taken over', async () => {
    await plant({ pid: noPid })
    await plant({ pid: noPid, nonce: 'bbbbbbbbbbbb' }, '.lock.after-aaaaaaaaaaaa')
    await writeFile(`${run}/.lock`, JSON.stringify(owner({ pid: noPid })))
    await writeFile(`${run}/.lock.new-cccccccccccc`, JSON.stringify(owner({ pid: noPid })))
    const lock = await lockRunDir(run)
    expect(await readdir(run)).toEqual(['.lock'])
    await lock.release()
  })

  test('a takeover by a living process counts before it is complete', async () => {
    await plant({ pid: noPid })
    await plant({ nonce: 'bbbbbbbbbbbb' }, '.lock.after-aaaaaaaaaaaa')
    await writeFile(`${run}/.lock`, JSON.stringify(owner({ pid: noPid })))
    await expect(lockRunDir(run)).rejects.toThrow(`another run (pid ${process.pid})`)
  })

  test.each([false, true])('six at the same moment: exactly one gets it (stale lock: %s)', async (stale) => {
    await plant({ pid: noPid })
    if (!stale) await rm(`${run}/.lock`)
    const children = Array.from({ length: 6 }, () => start(script, [run, 'try']))
    for (const child of children) child.process.stdin!.write('go\n')
    const answers = await Promise.all(children.map((child) => child.line()))
    expect(answers.filter((a) => a === 'locked')).toHaveLength(1)
    expect(answers.filter((a) => a.startsWith('refused another run (pid '))).toHaveLength(5)
    for (const child of children) child.process.stdin!.end()
    await Promise.all(children.map((child) => child.exited))
  })

  test('three processes that lock and release all the time are never inside together', async () => {
    await plant({ pid: noPid })
    const children = Array.from({ length: 3 }, () => start(script, [run, 'count', '60']))
    for (const child of children) expect(await child.exited, child.errors()).toBe(0)
    expect((await readFile(`${run}/log`, 'utf8')).trim().split('\n')).toHaveLength(180)
  })
})
