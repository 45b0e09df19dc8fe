import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { InputError } from '../../src/core/errors.ts'
import {
  type StoredDType, type TensorSource, SafetensorsReader, bytesOf, tensorBytes, toFloat32, toInt32, writeSafetensors,
} from '../../src/io/safetensors.ts'
import { storedBytes } from '../../src/io/safetensors_header.ts'
import { FaultyFiles } from '../support/faulty_files.ts'
import { MemoryFiles } from '../support/memory_files.ts'

const source = (name: string, dtype: StoredDType, shape: number[], bytes: Uint8Array): TensorSource => ({ name, dtype, shape, bytes: () => bytes })
const f32 = (name: string, values: number[]) => source(name, 'F32', [values.length], bytesOf(Float32Array.from(values)))

const tensors = fc.uniqueArray(
  fc.record({
    name: fc.string({ unit: 'grapheme', maxLength: 12 }).filter((s) => s !== '__metadata__' && !/\p{Surrogate}/u.test(s)),
    dtype: fc.constantFrom(...(Object.keys(storedBytes) as StoredDType[])),
    shape: fc.array(fc.nat(4), { maxLength: 3 }),
    seed: fc.nat(255),
  }), { selector: (t) => t.name, maxLength: 6 },
).map((list) => list.map(({ name, dtype, shape, seed }) =>
  source(name, dtype, shape, Uint8Array.from({ length: tensorBytes(dtype, shape)! }, (_, i) => (i * 31 + seed) & 255))))
const metadata = fc.dictionary(fc.string({ maxLength: 5 }).filter((s) => !/\p{Surrogate}/u.test(s)), fc.string({ maxLength: 5 }), { maxKeys: 3 })

describe('safetensors files', () => {
  test('write, read, write again: equal tensors and equal bytes', async () => {
    await fc.assert(fc.asyncProperty(tensors, metadata, async (list, meta) => {
      const files = new MemoryFiles()
      const digest = await writeSafetensors(files, 'a', list, meta)
      const bytes = await files.readFile('a')
      expect(digest).toEqual({ sizeBytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') })

      const reader = await SafetensorsReader.open(files, 'a')
      expect([...reader.tensors.keys()]).toEqual(list.map((t) => t.name))
      expect(new Map(Object.entries(meta))).toEqual(new Map(reader.metadata))
      const again: TensorSource[] = []
      for (const t of list) {
        const read = await reader.read(t.name)
        expect(read).toEqual({ dtype: t.dtype, shape: t.shape, bytes: await t.bytes() })
        again.push({ ...t, bytes: async () => read.bytes })
      }
      expect(await writeSafetensors(files, 'b', again, meta)).toEqual(digest)
    }), { numRuns: 300 })
  })

  test('the data begins at a multiple of 8', async () => {
    for (const name of ['a', 'ab', 'abc', 'abcd', 'abcde', 'abcdef', 'abcdefg', 'abcdefgh']) {
      const files = new MemoryFiles()
      await writeSafetensors(files, 'f', [f32(name, [1])])
      expect((await SafetensorsReader.open(files, 'f')).info(name).begin % 8).toBe(0)
    }
  })

  test('a flipped bit anywhere is an InputError or changes data only', async () => {
    const files = new MemoryFiles()
    await writeSafetensors(files, 'f', [f32('a', [1, 2]), source('b', 'U8', [3], new Uint8Array([1, 2, 3]))], { k: 'v' })
    const bytes = await files.readFile('f')
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const copy = bytes.slice()
      copy[bit >> 3] ^= 1 << (bit & 7)
      files.poke('f', copy)
      try {
        const reader = await SafetensorsReader.open(files, 'f')
        for (const name of reader.tensors.keys()) await reader.read(name)
      } catch (error) {
        expect(error).toBeInstanceOf(InputError)
      }
    }
  })

  test('every truncation is an InputError', async () => {
    const files = new MemoryFiles()
    await writeSafetensors(files, 'f', [f32('a', [1, 2])])
    const bytes = await files.readFile('f')
    for (let size = 0; size < bytes.length; size++) {
      files.poke('f', bytes.slice(0, size))
      await expect(SafetensorsReader.open(files, 'f'), `cut to ${size}`).rejects.toThrow(InputError)
    }
  })

  test('a file that shrinks after open is an InputError', async () => {
    const files = new MemoryFiles()
    await writeSafetensors(files, 'f', [f32('a', [1, 2])])
    const reader = await SafetensorsReader.open(files, 'f')
    files.poke('f', (await files.readFile('f')).slice(0, -1))
    await expect(reader.read('a')).rejects.toThrow(InputError)
  })

  test('names that are not there', async () => {
    const files = new MemoryFiles()
    await writeSafetensors(files, 'f', [f32('a', [1, 2])])
    const reader = await SafetensorsReader.open(files, 'f')
    await expect(reader.read('b')).rejects.toThrow('f has no tensor "b"')
    await expect(reader.read('__proto__')).rejects.toThrow(InputError)
    await expect(SafetensorsReader.open(files, 'g')).rejects.toThrow('g: no such file')
  })

  test('parts of a tensor', async () => {
    const files = new MemoryFiles()
    await writeSafetensors(files, 'f', [f32('z', [9]), f32('a', [1, 2, 3])])
    const reader = await SafetensorsReader.open(files, 'f')
    expect([...toFloat32({ dtype: 'F32', bytes: await reader.readBytes('a', 4, 12) })]).toEqual([2, 3])
    expect(await reader.readBytes('a', 12, 12)).toHaveLength(0)
    for (const [begin, end] of [[-1, 4], [4, 13], [8, 4], [NaN, 4]]) {
      await expect(reader.readBytes('a', begin, end)).rejects.toThrow(/must lie within 0 to 12/)
    }
  })

  test('the header cap can be lowered and raised', async () => {
    const files = new MemoryFiles()
    await writeSafetensors(files, 'f', [f32('a', [1])])
    await expect(SafetensorsReader.open(files, 'f', { maxHeaderBytes: 16 })).rejects.toThrow(/must have at most 16/)
    await SafetensorsReader.open(files, 'f', { maxHeaderBytes: 1000 })
  })

  test('the writer refuses what could not be read back', async () => {
    const files = new MemoryFiles()
    const one = new Uint8Array(1)
    const bad: [RegExp, TensorSource[]][] = [
      [/is taken/, [source('a', 'U8', [1], one), source('a', 'U8', [1], one)]],
      [/is taken/, [source('__metadata__', 'U8', [1], one)]],
      [/surrogate/, [source('\ud800', 'U8', [1], one)]],
      [/512 bytes/, [source('n'.repeat(513), 'U8', [1], one)]],
      [/gave 1 bytes, must give 2/, [source('a', 'U8', [2], one)]],
      [/must be integers/, [source('a', 'U8', [-1], one)]],
      [/must be integers/, [source('a', 'U8', [0.5], one)]],
      [/must be integers/, [source('a', 'U8', [2 ** 30, 2 ** 30], one)]],
      [/unknown dtype/, [source('a', 'U9' as StoredDType, [1], one)]],
    ]
    for (const [message, list] of bad) await expect(writeSafetensors(files, 'f', list)).rejects.toThrow(message)
  })

  test('a failing disk reaches the caller as it is', async () => {
    for (let failAt = 1; failAt <= 4; failAt++) {
      const files = new FaultyFiles(new MemoryFiles(), { failAt, fault: 'ENOSPC' })
      await expect(writeSafetensors(files, 'f', [f32('a', [1])])).rejects.toThrow(/ENOSPC/)
    }
  })
})

describe('decoding', () => {
  const f = (dtype: StoredDType, array: ArrayBufferView) => [...toFloat32({ dtype, bytes: bytesOf(array) })]
  const i = (dtype: StoredDType, array: ArrayBufferView) => [...toInt32({ dtype, bytes: bytesOf(array) }, 'f: tensor "a"')]

  test('floats', () => {
    expect(f('F32', Float32Array.of(1.5, -0, Infinity))).toEqual([1.5, -0, Infinity])
    expect(f('F64', Float64Array.of(0.1, 1e300, -2))).toEqual([Math.fround(0.1), Infinity, -2])
    expect(f('BF16', Uint16Array.of(0x3f80, 0xc000, 0x7f80, 0x0001))).toEqual([1, -2, Infinity, 2 ** -133])
    expect(f('F16', Uint16Array.of(0x3c00, 0xc000, 0x7bff, 0x0001, 0x7c00))).toEqual([1, -2, 65504, 2 ** -24, Infinity])
    expect(f('F8_E4M3', Uint8Array.of(0x38, 0x7e, 0x7f))).toEqual([1, 448, NaN])
    expect(f('F8_E5M2', Uint8Array.of(0x3c, 0x7b))).toEqual([1, 57344])
    expect(() => f('I32', Int32Array.of(1))).toThrow(/is I32, must be F32/)
  })

  test('integers, with their range', () => {
    expect(i('I32', Int32Array.of(-1, 2 ** 31 - 1))).toEqual([-1, 2 ** 31 - 1])
    expect(i('I64', BigInt64Array.of(-1n, 2n ** 31n - 1n, -(2n ** 31n), 0n))).toEqual([-1, 2 ** 31 - 1, -(2 ** 31), 0])
    expect(() => i('I64', BigInt64Array.of(0n, 2n ** 31n))).toThrow('f: tensor "a": element 1 is 2147483648, must fit into 32 bits')
    expect(() => i('I64', BigInt64Array.of(-(2n ** 31n) - 1n))).toThrow('element 0 is -2147483649')
    expect(() => i('I64', BigInt64Array.of(2n ** 32n))).toThrow('4294967296')
    expect(i('U32', Uint32Array.of(7))).toEqual([7])
    expect(() => i('U32', Uint32Array.of(2 ** 31))).toThrow(/element 0 is 2147483648/)
    expect(i('I16', Int16Array.of(-3))).toEqual([-3])
    expect(i('U16', Uint16Array.of(65535))).toEqual([65535])
    expect(i('I8', Int8Array.of(-3))).toEqual([-3])
    expect(i('U8', Uint8Array.of(255))).toEqual([255])
    expect(() => i('F32', Float32Array.of(1))).toThrow(InputError)
  })

  test('bytes that are not aligned', () => {
    const shifted = new Uint8Array(9)
    shifted.set(bytesOf(Float32Array.of(1, 2)), 1)
    expect([...toFloat32({ dtype: 'F32', bytes: shifted.subarray(1) })]).toEqual([1, 2])
  })
})
