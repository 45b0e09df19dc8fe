import { createHash } from 'node:crypto'
import * as nodeFs from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { InputError } from '../../src/core/errors.ts'
import { badFileName, joinPath, nonce, parentOf, quote } from '../../src/io/files.ts'
import { NodeFiles } from '../../src/io/node/files.ts'

let dir = ''
beforeEach(async () => { dir = await nodeFs.mkdtemp(join(tmpdir(), 'weft-files-')) })
afterEach(() => nodeFs.rm(dir, { recursive: true, force: true }))
const files = new NodeFiles()
const sha = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')
const ramp = (length: number, step = 7) => Uint8Array.from({ length }, (_, i) => (i * step + (i >> 8)) & 255)

/** node:fs whose reads and writes take at most `limit` bytes at a time. */
const shortFs = (limit: number) => ({
  ...nodeFs,
  open: async (path: string, flags: string) => {
    const file = await nodeFs.open(path, flags)
    const write = file.write.bind(file) as (b: Uint8Array, at: number, n: number) => Promise<unknown>
    const read = file.read.bind(file) as (b: Uint8Array, at: number, n: number, position: number) => Promise<unknown>
    return Object.assign(file, {
      write: async (b: Uint8Array, at: number, n: number) => (limit ? write(b, at, Math.min(n, limit)) : { bytesWritten: 0 }),
      read: (b: Uint8Array, at: number, n: number, position: number) => read(b, at, Math.min(n, limit), position),
    })
  },
}) as unknown as typeof nodeFs

describe('NodeFiles', () => {
  test('pieces of all sizes arrive whole, in order and hashed', async () => {
    const sizes = [0, 1, 5000, 3, 1 << 20, 0, (1 << 20) - 1, 2, 3 << 20, 17]
    const pieces = sizes.map((n, i) => ramp(n, 2 * i + 1))
    const whole = Buffer.concat(pieces)
    const path = `${dir}/f`
    expect(await files.writeFile(path, pieces)).toEqual({ sizeBytes: whole.length, sha256: sha(whole) })
    expect(Buffer.compare(await files.readFile(path), whole)).toBe(0)
    expect(await files.digest(path)).toEqual({ sizeBytes: whole.length, sha256: sha(whole) })
    expect(Buffer.compare(await files.readRange(path, 4999, 6001), whole.subarray(4999, 6001))).toBe(0)
    expect(await files.readRange(path, 7, 7)).toHaveLength(0)
  })

  test('a source that reuses its buffer', async () => {
    async function* source() {
      const buffer = new Uint8Array(3)
      for (let i = 0; i < 4; i++) yield buffer.fill(i)
    }
    await files.writeFile(`${dir}/f`, source())
    expect([...(await files.readFile(`${dir}/f`))]).toEqual([0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3])
  })

  test('short writes and short reads are continued; a write of nothing is an error', async () => {
    const bytes = ramp(1000)
    const short = new NodeFiles(shortFs(7))
    expect((await short.writeFile(`${dir}/f`, [bytes])).sha256).toBe(sha(bytes))
    expect(await files.readFile(`${dir}/f`)).toEqual(bytes)
    expect(await short.readRange(`${dir}/f`, 10, 900)).toEqual(bytes.slice(10, 900))
    await expect(new NodeFiles(shortFs(0)).writeFile(`${dir}/g`, [bytes])).rejects.toThrow(/wrote 0 bytes of 1000/)
  })

  test('writing replaces', async () => {
    await files.writeFile(`${dir}/f`, [ramp(100)])
    await files.writeFile(`${dir}/f`, [ramp(3)])
    expect((await files.stat(`${dir}/f`))?.sizeBytes).toBe(3)
  })

  test('a source that throws is passed on, and the file closed', async () => {
    async function* source() {
      yield ramp(10)
      throw new Error('source broke')
    }
    await expect(files.writeFile(`${dir}/f`, source())).rejects.toThrow('source broke')
  })

  test('a full disk is the system\'s own error', async () => {
    await expect(files.writeFile('/dev/full', [ramp(10)])).rejects.toMatchObject({ code: 'ENOSPC' })
  })

  test('directories, kinds, renames, removal', async () => {
    await files.makeDir(`${dir}/a/b`)
    await files.makeDir(`${dir}/a/b`)
    await files.writeFile(`${dir}/a/f`, [ramp(5)])
    await nodeFs.symlink('f', `${dir}/a/l`)
    expect(await files.list(`${dir}/a`)).toEqual(['b', 'f', 'l'])
    expect((await files.stat(`${dir}/a`))?.kind).toBe('directory')
    expect(await files.stat(`${dir}/a/f`)).toEqual({ kind: 'file', sizeBytes: 5 })
    expect((await files.stat(`${dir}/a/l`))?.kind).toBe('link')
    expect((await files.stat('/dev/null'))?.kind).toBe('other')
    expect(await files.stat(`${dir}/a/none`)).toBeUndefined()
    expect(await files.stat(`${dir}/a/f/none`)).toBeUndefined()
    await files.sync(`${dir}/a`)
    await files.sync(`${dir}/a/f`)
    await files.rename(`${dir}/a`, `${dir}/c`)
    await expect(files.rename(`${dir}/c/f`, `${dir}/c/b`)).rejects.toThrow()
    await files.remove(`${dir}/c`)
    await files.remove(`${dir}/c`)
    expect(await files.list(dir)).toEqual([])
    expect(await files.freeBytes(dir)).toBeGreaterThan(0)
  })

  test('what the user can mend is an InputError that names the path', async () => {
    await files.writeFile(`${dir}/f`, [ramp(5)])
    const cases: [() => Promise<unknown>, string][] = [
      [() => files.readFile(`${dir}/x`), `${dir}/x: no such file`],
      [() => files.readFile(dir), `${dir}: is a directory`],
      [() => files.readRange(`${dir}/f`, 3, 6), `${dir}/f ends at byte 5, must reach byte 6`],
      [() => files.digest(`${dir}/x`), 'no such file'],
      [() => files.list(`${dir}/f`), 'must be a directory'],
      [() => files.list(`${dir}/x`), 'no such file or directory'],
      [() => files.makeDir(`${dir}/f/x`), 'must be a directory'],
      [() => files.writeFile(`${dir}/x/f`, [ramp(1)]), 'no such file or directory'],
      [() => files.rename(`${dir}/x`, `${dir}/y`), `${dir}/x: no such file`],
      [() => files.readFile(`${dir}/${'n'.repeat(300)}`), 'name is too long'],
      [() => files.stat(`${dir}/\0`), 'NUL'],
    ]
    for (const [act, message] of cases) {
      await expect(act()).rejects.toThrow(InputError)
      await expect(act()).rejects.toThrow(message)
    }
  })
})

test('paths, names, quotes', () => {
  expect([joinPath('a', 'b'), joinPath('/', 'b'), joinPath('a/', 'b')]).toEqual(['a/b', '/b', 'a/b'])
  expect(['runs/x/', 'x', '/x', 'a/b/c', '/'].map(parentOf)).toEqual(['runs', '.', '/', 'a/b', '/'])
  expect(nonce()).toMatch(/^[0-9a-f]{12}$/)
  expect(nonce()).not.toBe(nonce())
  expect(quote('a\n"')).toBe('"a\\n\\""')
  expect(quote('x'.repeat(1000)).length).toBeLessThan(90)
  expect(badFileName('model.safetensors')).toBeUndefined()
})
