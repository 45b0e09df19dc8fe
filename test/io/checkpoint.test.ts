import { describe, expect, test } from 'vitest'
import { InputError } from '../../src/core/errors.ts'
import { encodeText } from '../../src/io/files.ts'
import { CheckpointNotSaved, findCheckpoint, saveCheckpoint, sweepCheckpoints } from '../../src/train/checkpoint.ts'
import { manifestText, parseManifest } from '../../src/train/manifest.ts'
import { readContent, writeContent } from '../support/checkpoint_content.ts'
import { FaultyFiles } from '../support/faulty_files.ts'
import { MemoryFiles } from '../support/memory_files.ts'

const save = (files: MemoryFiles, step: number, scale = 1, keep = 2) => saveCheckpoint(files, 'run', step, writeContent(step, scale), { keep })
async function saved(...steps: number[]): Promise<MemoryFiles> {
  const files = new MemoryFiles()
  for (const step of steps) await save(files, step)
  return files
}
async function find(files: MemoryFiles, readOnly = false) {
  const warnings: string[] = []
  const checkpoint = await findCheckpoint(files, 'run', { warn: (m) => warnings.push(m), readOnly })
  if (checkpoint) await readContent(files, checkpoint.dir, checkpoint.step)
  return { step: checkpoint?.step, warnings }
}
const flip = async (files: MemoryFiles, path: string, bit: number) => {
  const bytes = await files.readFile(path)
  bytes[bit >> 3] ^= 1 << (bit & 7)
  files.poke(path, bytes)
}
const contentFiles = ['state.safetensors', 'more/note', 'manifest.json']

describe('checkpoints', () => {
  test('save and find', async () => {
    const files = new MemoryFiles()
    expect((await find(files)).step).toBeUndefined()
    expect(await save(files, 3)).toBe('run/step-3')
    expect(await find(files)).toEqual({ step: 3, warnings: [] })
    expect(await files.list('run')).toEqual(['step-3'])
    const checkpoint = await findCheckpoint(files, 'run')
    expect([...checkpoint!.manifest.files.keys()].sort()).toEqual(['more/note', 'state.safetensors'])
  })

  test('equal content gives equal bytes, manifest included', async () => {
    const [a, b] = [await saved(3), await saved(3)]
    for (const name of contentFiles) expect(await a.readFile(`run/step-3/${name}`)).toEqual(await b.readFile(`run/step-3/${name}`))
  })

  test('newest by number, not by name or by order of writing', async () => {
    expect((await find(await saved(9, 10))).step).toBe(10)
    expect((await find(await saved(10, 9))).step).toBe(10)
  })

  test('keeps as many as told, the one just saved among them', async () => {
    const files = new MemoryFiles()
    for (const step of [1, 2, 3, 4]) await save(files, step, 1, 3)
    expect(await files.list('run')).toEqual(['step-2', 'step-3', 'step-4'])
    await save(files, 1)
    expect(await files.list('run')).toEqual(['step-1', 'step-4'])
    for (const keep of [1, 0, -1, 2.5, NaN]) await expect(save(files, 5, 1, keep)).rejects.toThrow(/checkpoint.keep is .* must be an integer >= 2/)
    for (const step of [-1, 0.5, NaN]) await expect(save(files, step)).rejects.toThrow(InputError)
  })

  test('a damaged checkpoint does not count as kept', async () => {
    const files = await saved(1, 2)
    files.poke('run/step-2/state.safetensors', new Uint8Array(3))
    await save(files, 3)
    expect(await files.list('run')).toEqual(['step-1', 'step-2', 'step-3'])
  })

  test('saving a step again replaces it', async () => {
    const files = await saved(1, 2)
    await save(files, 2, 7)
    expect(await readContent(files, 'run/step-2', 2)).toBe(7)
    expect(await files.list('run')).toEqual(['step-1', 'step-2'])
  })

  test('a replacement that fails at its last rename leaves the old one in place', async () => {
    const memory = await saved(1, 2)
    const files = new FaultyFiles(memory, { failAt: 0, fault: 'EIO' })
    files.rename = async (from, to) => {
      if (from.includes('.tmp-') && to === 'run/step-2') throw new Error('EIO')
      return memory.rename(from, to)
    }
    await expect(saveCheckpoint(files, 'run', 2, writeContent(2, 7))).rejects.toThrow(CheckpointNotSaved)
    expect(await memory.list('run')).toEqual(['step-1', 'step-2'])
    expect(await readContent(memory, 'run/step-2', 2)).toBe(1)
  })

  test('a checkpoint that was being replaced is put back', async () => {
    const files = await saved(1, 2)
    await files.rename('run/step-2', 'run/.old-2-abc')
    expect((await find(files)).step).toBe(2)
    expect(await files.list('run')).toEqual(['step-1', 'step-2'])
    await files.makeDir('run/.old-2-abc')
    await sweepCheckpoints(files, 'run')
    expect(await files.list('run')).toEqual(['step-1', 'step-2'])
  })

  test('leftovers are swept, other people\'s files are not', async () => {
    const files = await saved(1)
    for (const name of ['.tmp-2-a', '.del-b', 'quarantine-step-9-c', 'step-007', 'step-x', 'plots']) await files.makeDir(`run/${name}/sub`)
    files.poke('run/metrics.jsonl', encodeText('{}\n'))
    expect(await find(files)).toEqual({ step: 1, warnings: [] })
    expect(await files.list('run')).toEqual(['metrics.jsonl', 'plots', 'quarantine-step-9-c', 'step-007', 'step-1', 'step-x'])
  })

  test('reading only changes nothing', async () => {
    const files = await saved(1, 2)
    await files.makeDir('run/.tmp-3-a')
    files.poke('run/step-2/more/note', new Uint8Array(1))
    const before = await files.list('run')
    const { step, warnings } = await find(files, true)
    expect(step).toBe(1)
    expect(warnings).toEqual([expect.stringMatching(/^run\/step-2\/more\/note has 1 bytes, must have 14; trying an older/)])
    expect(await files.list('run')).toEqual(before)
  })

  test('files written past the Files that were given are fsynced and hashed too', async () => {
    const files = new MemoryFiles()
    const synced: string[] = []
    const noting = Object.assign(new FaultyFiles(files, { failAt: 0, fault: 'EIO' }), { sync: async (path: string) => void synced.push(path) })
    await saveCheckpoint(noting, 'run', 1, async (dir) => writeContent(1)(dir, files))
    expect((await find(files)).step).toBe(1)
    // The parent once, both files, both directories from the inside out, and the names in the run's directory last.
    expect(synced.map((path) => path.replace(/\.tmp-1-[0-9a-f]{12}/, 'tmp'))).toEqual(
      ['.', 'run/tmp/state.safetensors', 'run/tmp/more/note', 'run/tmp/more', 'run/tmp', 'run'])
  })

  test('renames, removals and rewrites inside the content', async () => {
    const files = new MemoryFiles()
    await saveCheckpoint(files, 'run', 1, async (dir, inner) => {
      await inner.writeFile(`${dir}/a`, [encodeText('12345')])
      await inner.writeFile(`${dir}/b`, [encodeText('67890')])
      await inner.rename(`${dir}/a`, `${dir}/b`)
      await inner.writeFile(`${dir}/c`, [encodeText('x')])
      await inner.remove(`${dir}/c`)
      await inner.writeFile(`${dir}/d`, [encodeText('1')])
      await inner.writeFile(`${dir}/d`, [encodeText('2')])
      expect(new TextDecoder().decode(await inner.readFile(`${dir}/d`))).toBe('2')
    })
    const found = await findCheckpoint(files, 'run')
    expect([...found!.manifest.files.keys()].sort()).toEqual(['b', 'd'])
  })

  test('a full disk is seen before anything is written', async () => {
    const files = await saved(1)
    files.free = 999
    const before = await files.list('run')
    const attempt = saveCheckpoint(files, 'run', 2, () => { throw new Error('must not be called') }, { needBytes: 1000 })
    await expect(attempt).rejects.toThrow('run/step-2 was not saved: it needs 1000 bytes, and only 999 are free in run. Earlier checkpoints are as they were.')
    await expect(attempt).rejects.toThrow(CheckpointNotSaved)
    expect(await files.list('run')).toEqual(before)
    await saveCheckpoint(files, 'run', 2, writeContent(2), { needBytes: 999 })
  })

  test('content that fails leaves nothing behind and keeps its cause', async () => {
    const files = await saved(1)
    const cause = new Error('no more tensors')
    const error = await saveCheckpoint(files, 'run', 2, async (dir, inner) => {
      await inner.writeFile(`${dir}/a`, [new Uint8Array(3)])
      throw cause
    }).catch((e) => e)
    expect(error).toBeInstanceOf(CheckpointNotSaved)
    expect(error.cause).toBe(cause)
    expect(await files.list('run')).toEqual(['step-1'])
  })

  test('content that could not be verified later is refused now', async () => {
    const files = await saved(1)
    await expect(saveCheckpoint(files, 'run', 2, async (dir, inner) => void (await inner.writeFile(`${dir}/a:b`, [])))).rejects.toThrow(/not allowed/)
    await expect(saveCheckpoint(files, 'run', 2, async (dir) => files.link(`${dir}/l`))).rejects.toThrow(/not a plain file/)
    expect(await files.list('run')).toEqual(['step-1'])
  })

  test('old ones that cannot be removed are a warning', async () => {
    const memory = await saved(1, 2)
    const warnings: string[] = []
    const files = new FaultyFiles(memory, { failAt: 0, fault: 'EIO' })
    files.remove = async () => { throw new Error('EBUSY') }
    await saveCheckpoint(files, 'run', 3, writeContent(3), { warn: (m) => warnings.push(m) })
    expect(warnings).toEqual([expect.stringMatching(/^run\/step-3 is saved, but old checkpoints could not be removed: .*EBUSY/)])
    expect((await find(memory)).step).toBe(3)
  })
})

describe('damage at rest', () => {
  // Three is odd, so each byte and each place in a byte has its turn.
  const stride = process.env.FULL ? 1 : 3
  test(`every ${stride}. bit of every file: found, moved aside, older one taken`, async () => {
    const files = await saved(1, 2)
    let flips = 0
    for (const name of contentFiles) {
      const size = (await files.stat(`run/step-2/${name}`))!.sizeBytes
      for (let bit = 0; bit < size * 8; bit += stride) {
        await flip(files, `run/step-2/${name}`, bit)
        const { step, warnings } = await find(files)
        if (step !== 1 || warnings.length !== 1) throw new Error(`bit ${bit} of ${name} passed: step ${step}`)
        // Put it back for the next bit.
        const aside = (await files.list('run')).find((n) => n.startsWith('quarantine-step-2-'))!
        await files.rename(`run/${aside}`, 'run/step-2')
        await flip(files, `run/step-2/${name}`, bit)
        flips++
      }
    }
    expect(flips).toBeGreaterThan(3000 / stride)
    expect(await find(files)).toEqual({ step: 2, warnings: [] })
  })

  test('every truncation, and every file gone', async () => {
    for (const name of contentFiles) {
      const whole = await (await saved(2)).readFile(`run/step-2/${name}`)
      for (let size = 0; size < whole.length; size++) {
        const files = await saved(1, 2)
        files.poke(`run/step-2/${name}`, whole.slice(0, size))
        expect((await find(files)).step, `${name} cut to ${size}`).toBe(1)
      }
      const files = await saved(1, 2)
      await files.remove(`run/step-2/${name}`)
      const { step, warnings } = await find(files)
      expect(step).toBe(1)
      expect(warnings[0]).toMatch(/^run\/step-2\/.*; moved to run\/quarantine-step-2-[0-9a-f]{12}, trying an older checkpoint$/)
    }
  })

  test('files of two steps mixed, directories swapped', async () => {
    const mixed = await saved(1, 2)
    mixed.poke('run/step-2/state.safetensors', await mixed.readFile('run/step-1/state.safetensors'))
    expect((await find(mixed)).step).toBe(1)
    const swapped = await saved(1, 2)
    await swapped.rename('run/step-1', 'run/x')
    await swapped.rename('run/step-2', 'run/step-1')
    await swapped.rename('run/x', 'run/step-2')
    const { step, warnings } = await find(swapped)
    expect(step).toBeUndefined()
    expect(warnings[0]).toMatch(/is of step 1, must be of step 2/)
    expect((await swapped.list('run')).every((n) => n.startsWith('quarantine-'))).toBe(true)
  })

  test('a checkpoint that cannot be read is passed over but neither moved nor forgotten', async () => {
    const memory = await saved(1, 2)
    const files = new FaultyFiles(memory, { failAt: 0, fault: 'EIO' })
    const unreadable = (dir: string) => {
      files.digest = async (path) => {
        if (path.startsWith(dir)) throw Object.assign(new Error('EIO: i/o error'), { code: 'EIO' })
        return memory.digest(path)
      }
    }
    unreadable('run/step-2')
    const warnings: string[] = []
    expect((await findCheckpoint(files, 'run', { warn: (m) => warnings.push(m) }))?.step).toBe(1)
    expect(warnings[0]).toMatch(/step-2 cannot be read \(Error: EIO/)
    expect(await memory.list('run')).toEqual(['step-1', 'step-2'])
    unreadable('run/')
    await expect(findCheckpoint(files, 'run')).rejects.toThrow('EIO')
  })

  test('manifests that no one of us wrote', () => {
    const file = { sizeBytes: 1, sha256: 'a'.repeat(64) }
    const good = manifestText({ format: 1, step: 2, files: new Map([['a/b', file]]) })
    expect(parseManifest(good, 'm').files.get('a/b')).toEqual(file)
    const bad: [string, RegExp][] = [
      [good.replace('"format": 1', '"format": 2'), /this version reads format 1/],
      [good.replace('a/b', '../b'), /path inside the checkpoint/],
      [good.replace('a/b', '/b'), /path inside the checkpoint/],
      [good.replace('aaaa', 'AAAA'), /must be 64 digits/],
      [good.replace('\n', '\n '), /was changed since/],
      [good.replace('"format": 1,\n', ''), /was changed since/],
      [good.replace('"step": 2', '"step": 2, "step": 2'), /twice/],
      [good.replace('"step"', '"when"'), /unknown key "when"/],
      [good.replace('"sizeBytes": 1', '"sizeBytes": 1e0'), /plain digits/],
      [good.replace('"sizeBytes": 1, ', ''), /was changed since/],
      ['', /cut short/],
    ]
    for (const [text, message] of bad) {
      expect(() => parseManifest(text, 'm')).toThrow(InputError)
      expect(() => parseManifest(text, 'm')).toThrow(message)
    }
  })
})
