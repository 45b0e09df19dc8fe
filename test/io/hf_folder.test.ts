import { describe, expect, test } from 'vitest'
import { InputError } from '../../src/core/errors.ts'
import { encodeText } from '../../src/io/files.ts'
import { openHfFolder, parseIndex, writeHfFolder } from '../../src/io/hf_folder.ts'
import { SafetensorsReader, type TensorSource, bytesOf, toFloat32, writeSafetensors } from '../../src/io/safetensors.ts'
import { FaultyFiles } from '../support/faulty_files.ts'
import { MemoryFiles } from '../support/memory_files.ts'

const f32 = (name: string, ...values: number[]): TensorSource =>
  ({ name, dtype: 'F32', shape: [values.length], bytes: () => bytesOf(Float32Array.from(values)) })
const config = '{"hidden_size": 8}\n'
const indexPath = 'm/model.safetensors.index.json'

async function sharded(): Promise<MemoryFiles> {
  const files = new MemoryFiles()
  await writeHfFolder(files, 'm', config, [f32('a', 1, 2), f32('b', 3), f32('c', 4, 5)], { maxShardBytes: 12 })
  return files
}
const editIndex = async (files: MemoryFiles, edit: (map: Record<string, string>) => void) => {
  const index = JSON.parse(new TextDecoder().decode(await files.readFile(indexPath)))
  edit(index.weight_map)
  files.poke(indexPath, encodeText(JSON.stringify(index)))
}

describe('Hugging Face folders', () => {
  test('one file', async () => {
    const files = new MemoryFiles()
    expect(await writeHfFolder(files, 'm', config, [f32('a', 1, 2), f32('b', 3)])).toEqual(['model.safetensors', 'config.json'])
    expect(await files.list('m')).toEqual(['config.json', 'model.safetensors'])
    expect((await SafetensorsReader.open(files, 'm/model.safetensors')).metadata.get('format')).toBe('pt')
    const folder = await openHfFolder(files, 'm')
    expect(folder.configText).toBe(config)
    expect(folder.names()).toEqual(['a', 'b'])
    expect([...toFloat32(await folder.read('a'))]).toEqual([1, 2])
    await expect(folder.read('x')).rejects.toThrow('m has no tensor "x"')
    expect(() => folder.info('toString')).toThrow(InputError)
  })

  test('shards with an index', async () => {
    const files = await sharded()
    expect(await files.list('m')).toEqual([
      'config.json', 'model-00001-of-00002.safetensors', 'model-00002-of-00002.safetensors', 'model.safetensors.index.json'])
    expect(JSON.parse(new TextDecoder().decode(await files.readFile(indexPath)))).toEqual({
      metadata: { total_size: 20 },
      weight_map: { a: 'model-00001-of-00002.safetensors', b: 'model-00001-of-00002.safetensors', c: 'model-00002-of-00002.safetensors' },
    })
    const folder = await openHfFolder(files, 'm')
    expect(folder.names()).toEqual(['a', 'b', 'c'])
    expect([...toFloat32(await folder.read('c'))]).toEqual([4, 5])
    expect(folder.info('b')).toMatchObject({ dtype: 'F32', shape: [1] })
    expect([...toFloat32({ dtype: 'F32', bytes: await folder.readBytes('c', 4, 8) })]).toEqual([5])
  })

  test('a tensor larger than a shard has one of its own; no tensors at all is one file', async () => {
    const files = new MemoryFiles()
    await writeHfFolder(files, 'm', config, [f32('a', 1), f32('b', 1, 2, 3, 4), f32('c', 1)], { maxShardBytes: 8 })
    expect((await files.list('m')).filter((n) => n.endsWith('.safetensors'))).toHaveLength(3)
    await writeHfFolder(files, 'e', config, [])
    expect((await openHfFolder(files, 'e')).names()).toEqual([])
  })

  test('the same tensors give the same bytes', async () => {
    const [a, b] = [await sharded(), await sharded()]
    for (const name of await a.list('m')) expect(await a.digest(`m/${name}`)).toEqual(await b.digest(`m/${name}`))
  })

  test('writing never mixes two models', async () => {
    const files = await sharded()
    await expect(writeHfFolder(files, 'm', config, [f32('a', 1)])).rejects.toThrow(/holds weights already/)
    await expect(writeHfFolder(files, 'n', config, [f32('a', 1), f32('a', 1)], { maxShardBytes: 4 })).rejects.toThrow(/is taken/)
  })

  test('a write that fails anywhere never leaves a folder that opens', async () => {
    for (let failAt = 1; ; failAt++) {
      const memory = new MemoryFiles()
      const files = new FaultyFiles(memory, { failAt, fault: 'short' })
      const failed = await writeHfFolder(files, 'm', config, [f32('a', 1, 2), f32('b', 3)], { maxShardBytes: 8 }).then(() => false, () => true)
      if (!files.fired) break
      expect(failed).toBe(true)
      // The last two calls fsync config.json and the folder: then everything is there.
      const opened = await openHfFolder(memory, 'm').catch((error) => error)
      if (!(opened instanceof Error)) expect([...toFloat32(await opened.read('b'))]).toEqual([3])
      else expect(opened).toBeInstanceOf(InputError)
    }
  })

  test('what is missing is named', async () => {
    const files = new MemoryFiles()
    await expect(openHfFolder(files, 'm')).rejects.toThrow('m: no such folder')
    await files.makeDir('m')
    await expect(openHfFolder(files, 'm')).rejects.toThrow('m/config.json: no such file')
    files.poke('m/config.json', encodeText(config))
    await expect(openHfFolder(files, 'm')).rejects.toThrow(/neither model.safetensors nor/)
    files.poke('m/config.json', new Uint8Array([0xff]))
    await expect(openHfFolder(files, 'm')).rejects.toThrow(/not valid UTF-8/)
    files.poke('m/config.json', new Uint8Array(2_000_000))
    await expect(openHfFolder(files, 'm')).rejects.toThrow(/must have at most 1048576/)
  })

  test('an index and shards that disagree', async () => {
    const first = 'model-00001-of-00002.safetensors'
    const second = 'model-00002-of-00002.safetensors'
    const cases: [(map: Record<string, string>) => void, RegExp][] = [
      [(m) => { delete m.b }, /00001.* holds tensor "b", which .* does not name/],
      [(m) => { m.d = first }, /has no tensor "d", which .* places there/],
      [(m) => { m.b = second }, /00001.* holds tensor "b", which .* places in "model-00002/],
      [(m) => { m.d = 'model-3.safetensors' }, /model-3.safetensors: no such file/],
    ]
    for (const [edit, message] of cases) {
      const files = await sharded()
      await editIndex(files, edit)
      await expect(openHfFolder(files, 'm')).rejects.toThrow(message)
      await expect(openHfFolder(files, 'm')).rejects.toThrow(InputError)
    }
    const files = await sharded()
    const [one, two] = [await files.readFile(`m/${first}`), await files.readFile(`m/${second}`)]
    files.poke(`m/${first}`, two)
    files.poke(`m/${second}`, one)
    await expect(openHfFolder(files, 'm')).rejects.toThrow(InputError)
    await writeSafetensors(files, 'm/model.safetensors', [f32('a', 1)])
    await expect(openHfFolder(files, 'm')).rejects.toThrow(/has both/)
  })

  test('links are not followed', async () => {
    for (const name of ['config.json', 'model.safetensors.index.json', 'model-00001-of-00002.safetensors']) {
      const files = await sharded()
      files.link(`m/${name}`)
      await expect(openHfFolder(files, 'm')).rejects.toThrow(/symbolic link/)
    }
  })

  test('index: broken JSON and wrong types', () => {
    const bad = ['', '[]', '{}', '{"weight_map":[]}', '{"weight_map":{"a":1}}', '{"weight_map":{"a":"x.safetensors","a":"x.safetensors"}}',
      '{"weight_map":{},"weight_map":{}}', '{"weight_map":{}}x', `{"x":${'['.repeat(1000)}`]
    for (const text of bad) expect(() => parseIndex(text, 'i'), text).toThrow(InputError)
    const ok = parseIndex('{"metadata":{"total_size":1.5e3,"x":[null,true]},"weight_map":{"__proto__":"x.safetensors"}}', 'i')
    expect([...ok]).toEqual([['__proto__', 'x.safetensors']])
    const many = Array.from({ length: 10_001 }, (_, i) => `"t${i}":"s${i}.safetensors"`).join(',')
    expect(() => parseIndex(`{"weight_map":{${many}}}`, 'i')).toThrow(/more than 10000 shards/)
  })
})

const s = '.safetensors'
const escapes = [
  `../x${s}`, `..\\x${s}`, `/etc/x${s}`, `\\x${s}`, `C:\\x${s}`, `C:x${s}`, `c:/x${s}`, `//host/share/x${s}`, `\\\\host\\share\\x${s}`,
  `\\\\?\\C:\\x${s}`, `./x${s}`, `.\\x${s}`, `a/../../x${s}`, `a/x${s}`, `a\\x${s}`, `..`, `.`, ``, `/`, `\\`, `~/x${s}`, `~root${s}`,
  `x${s}\0`, `x\0${s}`, `\0${s}`, `x\n${s}`, `x\r${s}`, `\x7f${s}`, `x${s}/`, `x${s}/.`, `x${s}/..`, `x${s}\\`, `file:///etc/x${s}`,
  `http://host/x${s}`, `%2e%2e%2fx${s}`, `..%2fx${s}`, `%2e%2e/x${s}`, `..%c0%afx${s}`, `..%255cx${s}`, `con${s}`, `NUL${s}`, `aux.x${s}`,
  `COM1${s}`, `lpt9${s}`, `prn${s}`, `x${s}:stream`, `x${s}::$DATA`, `x${s} `, `x${s}.`, ` x${s}`, `x*${s}`, `x?${s}`, `x|y${s}`, `<x>${s}`,
  `"x"${s}`, `\u2215etc\u2215x${s}`, `\uff0e\uff0e\uff0fx${s}`, `..\u2044x${s}`, `\u202ex${s}`, `e\u0301${s}`, `${'n'.repeat(250)}${s}`,
  `x.bin`, `config.json`, `x${s}.gz`, `x${s.toUpperCase()}`, `/proc/self/mem`, `/dev/zero`,
]

describe('shard names that lead out of the folder', () => {
  test.each(escapes)('%j', (name) => {
    const text = JSON.stringify({ weight_map: { a: name } })
    expect(() => parseIndex(text, 'i')).toThrow(InputError)
    expect(() => parseIndex(text, 'i')).toThrow(/must be the name of a file in this folder/)
  })
  test.each([`model${s}`, `model-00001-of-00163${s}`, `..x${s}`, `x y${s}`, `重み${s}`, `console${s}`])('%j is fine', (name) => {
    expect(parseIndex(JSON.stringify({ weight_map: { a: name } }), 'i').get('a')).toBe(name)
  })
})
