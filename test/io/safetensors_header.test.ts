import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { InputError } from '../../src/core/errors.ts'
import { parseHeader, parseHeaderParts } from '../../src/io/safetensors_header.ts'

/** A file that begins with this header text; `data` bytes follow it. */
function file(json: string | Uint8Array, data = 0, declared?: bigint): { bytes: Uint8Array; size: number } {
  const body = typeof json === 'string' ? new TextEncoder().encode(json) : json
  const bytes = new Uint8Array(8 + body.length + data)
  new DataView(bytes.buffer).setBigUint64(0, declared ?? BigInt(body.length), true)
  bytes.set(body, 8)
  return { bytes, size: bytes.length }
}
const parse = (f: { bytes: Uint8Array; size: number }) => parseHeader(f.bytes, f.size, 'f.safetensors')

const entry = (dtype: string, shape: string, offsets: string) => `{"dtype":"${dtype}","shape":${shape},"data_offsets":${offsets}}`
const a4 = `"a":${entry('F32', '[1]', '[0,4]')}`

const good: Record<string, [json: string, data: number]> = {
  'no tensors': ['{}', 0],
  'only metadata': ['{"__metadata__":{"format":"pt"}}', 0],
  'empty metadata': ['{"__metadata__":{}}', 0],
  'one scalar': [`{"a":${entry('F32', '[]', '[0,4]')}}`, 4],
  'blanks behind': [`{${a4}}     `, 4],
  'blanks, tabs and newlines inside': [`{ "a" :\t{"dtype":"F32",\n"shape":[ 1 ],\r"data_offsets":[0 , 4]}}`, 4],
  'keys in another order': ['{"a":{"data_offsets":[0,4],"shape":[1],"dtype":"F32"}}', 4],
  'tensors out of order': [`{"b":${entry('U8', '[2]', '[4,6]')},${a4}}`, 6],
  'zero-size tensor': [`{"a":${entry('F32', '[0]', '[0,0]')}}`, 0],
  'zero-size tensor between two': [`{${a4},"z":${entry('I64', '[3,0]', '[4,4]')},"b":${entry('U8', '[1]', '[4,5]')}}`, 5],
  'two zero-size tensors at one offset': [`{"y":${entry('F32', '[0]', '[4,4]')},"z":${entry('F32', '[0,7]', '[4,4]')},${a4}}`, 4],
  'zero-size tensor listed behind the one at its offset': [`{${a4},"z":${entry('F32', '[0]', '[0,0]')}}`, 4],
  'empty name': [`{"":${entry('U8', '[1]', '[0,1]')}}`, 1],
  'name __proto__': [`{"__proto__":${entry('U8', '[1]', '[0,1]')}}`, 1],
  'name constructor': [`{"constructor":${entry('U8', '[1]', '[0,1]')}}`, 1],
  'metadata key __proto__': ['{"__metadata__":{"__proto__":"x"}}', 0],
  'escaped name': [`{"\\u0061\\n\\"\\ud83d\\ude00":${entry('U8', '[1]', '[0,1]')}}`, 1],
  'name of 512 bytes': [`{"${'n'.repeat(512)}":${entry('U8', '[1]', '[0,1]')}}`, 1],
  'name in other alphabets': [`{"重み.ü":${entry('U8', '[1]', '[0,1]')}}`, 1],
  ...Object.fromEntries(
    Object.entries({ F64: 8, F32: 4, F16: 2, BF16: 2, F8_E4M3: 1, F8_E5M2: 1, I64: 8, I32: 4, U32: 4, I16: 2, U16: 2, I8: 1, U8: 1, BOOL: 1 })
      .map(([dtype, size]) => [`dtype ${dtype}`, [`{"a":${entry(dtype, '[3,5]', `[0,${15 * size}]`)}}`, 15 * size] as [string, number]]),
  ),
}

const bad: Record<string, [json: string | Uint8Array, data: number, message: RegExp]> = {
  'leading blank': [` {${a4}}`, 4, /must begin with "\{"/],
  'leading byte order mark': [`\ufeff{${a4}}`, 4, /must begin with/],
  'array at the top': ['[]', 0, /must begin with/],
  'newline behind': [`{${a4}}\n`, 4, /follows the end/],
  'NUL behind': [`{${a4}}\0`, 4, /follows the end/],
  'second object behind': ['{}{}', 0, /follows the end/],
  'not UTF-8': [new Uint8Array([0x7b, 0x22, 0xff, 0x22, 0x7d]), 0, /not valid UTF-8/],
  'overlong UTF-8': [new Uint8Array([0x7b, 0x22, 0xc0, 0x80, 0x22, 0x7d]), 0, /not valid UTF-8/],
  'surrogate half, escaped': [`{"\\ud800":${entry('U8', '[1]', '[0,1]')}}`, 1, /surrogate/],
  'raw control character in a name': [`{"a\x01":${entry('U8', '[1]', '[0,1]')}}`, 1, /control character/],
  'bad escape': [`{"\\x":${entry('U8', '[1]', '[0,1]')}}`, 1, /bad escape/],
  'bad \\u escape': [`{"\\u12g4":${entry('U8', '[1]', '[0,1]')}}`, 1, /bad \\u escape/],
  'duplicate tensor': [`{${a4},"a":${entry('F32', '[1]', '[4,8]')}}`, 8, /"a" twice/],
  'duplicate tensor behind an escape': [`{${a4},"\\u0061":${entry('F32', '[1]', '[4,8]')}}`, 8, /"a" twice/],
  'duplicate __proto__': [`{"__proto__":${entry('U8', '[1]', '[0,1]')},"__proto__":${entry('U8', '[1]', '[0,1]')}}`, 1, /twice/],
  'duplicate metadata': ['{"__metadata__":{},"__metadata__":{}}', 0, /twice/],
  'duplicate metadata key': ['{"__metadata__":{"k":"1","k":"2"}}', 0, /"k" twice/],
  'duplicate dtype': ['{"a":{"dtype":"F32","dtype":"F32","shape":[1],"data_offsets":[0,4]}}', 4, /"dtype" twice/],
  'metadata number': ['{"__metadata__":{"k":1}}', 0, /must be a string/],
  'metadata null': ['{"__metadata__":null}', 0, /must be an object/],
  'metadata nested': ['{"__metadata__":{"k":{}}}', 0, /must be a string/],
  'tensor null': ['{"a":null}', 0, /must be an object/],
  'no dtype': ['{"a":{"shape":[1],"data_offsets":[0,4]}}', 4, /has no dtype/],
  'no shape': ['{"a":{"dtype":"F32","data_offsets":[0,4]}}', 4, /has no shape/],
  'no offsets': ['{"a":{"dtype":"F32","shape":[1]}}', 4, /has no data_offsets/],
  'unknown key': ['{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"x":1}}', 4, /unknown key "x"/],
  'unknown dtype': [`{"a":${entry('F31', '[1]', '[0,4]')}}`, 4, /dtype "F31", must be one of F64/],
  'dtype toString': [`{"a":${entry('toString', '[1]', '[0,4]')}}`, 4, /must be one of/],
  'dtype a number': ['{"a":{"dtype":32,"shape":[1],"data_offsets":[0,4]}}', 4, /must be a string/],
  'negative extent': [`{"a":${entry('F32', '[-1]', '[0,4]')}}`, 4, /integer of plain digits/],
  'minus zero': [`{"a":${entry('F32', '[-0]', '[0,0]')}}`, 0, /integer of plain digits/],
  'exponent': [`{"a":${entry('F32', '[1e0]', '[0,4]')}}`, 4, /integer of plain digits/],
  'fraction': [`{"a":${entry('F32', '[1.0]', '[0,4]')}}`, 4, /integer of plain digits/],
  'leading zero': [`{"a":${entry('F32', '[01]', '[0,4]')}}`, 4, /integer of plain digits/],
  'extent as a string': [`{"a":${entry('F32', '["1"]', '[0,4]')}}`, 4, /integer of plain digits/],
  'extent 2^53': [`{"a":${entry('U8', '[9007199254740992]', '[0,4]')}}`, 4, /below 2\^53/],
  'extent of 400 digits': [`{"a":${entry('U8', `[${'9'.repeat(400)}]`, '[0,4]')}}`, 4, /below 2\^53/],
  'product overflows': [`{"a":${entry('F32', '[4294967296,4294967296]', '[0,0]')}}`, 0, /below 2\^53 bytes/],
  'product overflows, then zero': [`{"a":${entry('F32', '[4294967296,4294967296,0]', '[0,0]')}}`, 0, /below 2\^53 bytes/],
  'product wraps round 2^64 to 0': [`{"a":${entry('F32', '[4294967296,1073741824]', '[0,0]')}}`, 0, /below 2\^53 bytes/],
  'nested shape': [`{"a":${entry('F32', '[[1]]', '[0,4]')}}`, 4, /integer of plain digits/],
  'shape an object': [`{"a":${entry('F32', '{}', '[0,4]')}}`, 4, /must be an array/],
  'one offset': [`{"a":${entry('F32', '[1]', '[4]')}}`, 4, /has 1 numbers, must have 2/],
  'three offsets': [`{"a":${entry('F32', '[1]', '[0,4,4]')}}`, 4, /has 3 numbers, must have 2/],
  'ends before it begins': [`{"a":${entry('F32', '[1]', '[4,0]')}}`, 4, /must not end before it begins/],
  'bytes too few for the shape': [`{"a":${entry('F32', '[2]', '[0,4]')}}`, 4, /has 4 bytes, must have 8 for F32 \[2\]/],
  'bytes too many for the shape': [`{"a":${entry('F32', '[1]', '[0,8]')}}`, 8, /has 8 bytes, must have 4/],
  'gap before the first': [`{"a":${entry('F32', '[1]', '[4,8]')}}`, 8, /a gap/],
  'gap between': [`{${a4},"b":${entry('F32', '[1]', '[8,12]')}}`, 12, /a gap/],
  'overlap': [`{${a4},"b":${entry('F32', '[1]', '[2,6]')}}`, 6, /an overlap/],
  'same bytes twice': [`{${a4},"b":${entry('F32', '[1]', '[0,4]')}}`, 4, /an overlap/],
  'zero-size tensor inside another': [`{${a4},"z":${entry('F32', '[0]', '[2,2]')}}`, 4, /an overlap/],
  'zero-size tensor behind the end': [`{"z":${entry('F32', '[0]', '[9,9]')}}`, 0, /a gap/],
  'bytes behind the last tensor': [`{${a4}}`, 5, /has 9?[0-9]+ bytes, must have/],
  'data cut short': [`{${a4}}`, 3, /bytes, must have/],
  'data without tensors': ['{}', 1, /bytes, must have/],
  'comma at the end': [`{${a4},}`, 4, /comma before/],
  'comma at the end of a shape': [`{"a":${entry('F32', '[1,]', '[0,4]')}}`, 4, /comma before/],
  'comma first': [`{,${a4}}`, 4, /must be a string/],
  'no comma': [`{${a4} "b":1}`, 4, /must go on with/],
  'single quotes': [`{'a':1}`, 0, /must be a string/],
  'comment': [`{/* */${a4}}`, 4, /must be a string/],
  'never closed': [`{${a4}`, 4, /cut short/],
  'string never closed': ['{"a', 0, /never ends/],
  'name of 513 bytes': [`{"${'n'.repeat(513)}":${entry('U8', '[1]', '[0,1]')}}`, 1, /longer than 512 bytes/],
  'name of 171 three-byte characters': [`{"${'重'.repeat(171)}":${entry('U8', '[1]', '[0,1]')}}`, 1, /longer than 512 bytes/],
  '100,000 nested arrays': [`{"a":${'['.repeat(100_000)}`, 0, /must be an object/],
  '100,000 nested objects': ['{"a":'.repeat(100_000), 0, /unknown key/],
}

describe('safetensors header', () => {
  test.each(Object.entries(good))('takes: %s', (_, [json, data]) => {
    expect(() => parse(file(json, data))).not.toThrow()
  })

  test.each(Object.entries(bad))('refuses: %s', (_, [json, data, message]) => {
    const f = file(json, data)
    expect(() => parse(f)).toThrow(InputError)
    expect(() => parse(f)).toThrow(message)
    expect(() => parse(f)).toThrow(/^f\.safetensors/)
  })

  test('lengths that lie', () => {
    expect(() => parse({ bytes: new Uint8Array(0), size: 0 })).toThrow(/has 0 bytes, .* at least 10/)
    expect(() => parse(file('{}', 0, 0n))).toThrow(/has 0 bytes, must have at least 2/)
    expect(() => parse(file('{}', 0, 3n))).toThrow(/ends at byte 11, but the file has only 10/)
    expect(() => parse(file('{}', 0, 25_000_001n))).toThrow(/at most 25000000/)
    expect(() => parse(file('{}', 0, 2n ** 64n - 1n))).toThrow(/at most 25000000/)
    expect(() => parse(file('{}', 0, 2n ** 63n))).toThrow(InputError)
    const f = file('{}', 0, 150_000_000n)
    expect(() => parseHeaderParts(f.bytes, 200_000_000, 'f', 1e12)).toThrow(/at most 100000000/)
  })

  test('offsets in the result count from the start of the file', () => {
    const f = file(`{"b":${entry('U8', '[2]', '[4,6]')},${a4},"__metadata__":{"k":"v"}}`, 6)
    const { tensors, metadata } = parseHeaderParts(f.bytes, f.size, 'f')
    expect([...tensors.keys()]).toEqual(['b', 'a'])
    expect(tensors.get('b')).toEqual({ dtype: 'U8', shape: [2], begin: f.size - 2, end: f.size })
    expect([...metadata]).toEqual([['k', 'v']])
  })

  test('__proto__ is a name like any other', () => {
    const f = file(`{"__proto__":${entry('U8', '[1]', '[0,1]')}}`, 1)
    expect(parse(f).get('__proto__')?.shape).toEqual([1])
    expect(({} as { dtype?: string }).dtype).toBeUndefined()
  })

  test('every truncation of a small file is refused', () => {
    const f = file(`{"__metadata__":{"k":"v"},${a4},"b":${entry('BF16', '[2,3]', '[4,16]')}}  `, 12 + 4)
    expect(parse(f).size).toBe(2)
    for (let size = 0; size < f.size; size++) {
      expect(() => parse({ bytes: f.bytes.slice(0, size), size }), `cut to ${size}`).toThrow(InputError)
    }
  })

  test('every single bit flip of the header parses or is an InputError, and never moves data silently', () => {
    const f = file(`{${a4},"b":${entry('BF16', '[2,3]', '[4,16]')}}`, 16)
    for (let bit = 0; bit < 8 * (f.size - 16); bit++) {
      const bytes = f.bytes.slice()
      bytes[bit >> 3] ^= 1 << (bit & 7)
      onlyInputError(() => {
        const total = [...parse({ bytes, size: f.size }).values()].reduce((sum, t) => sum + t.end - t.begin, 0)
        expect(total).toBe(16)
      })
    }
  })

  test('random text edits parse or are an InputError', () => {
    const base = `{"__metadata__":{"k":"v"},${a4},"b":${entry('I64', '[0]', '[4,4]')},"c":${entry('U8', '[2]', '[4,6]')}}`
    const piece = fc.oneof(
      fc.constantFrom('{', '}', '[', ']', ',', ':', '"', '\\', '\\u', '0', '-', '1e9', '.5', 'null', 'true', ' ', '\n', '__proto__',
        '"dtype"', '"a"', '9007199254740993', '\u0000', '\ud800', '[[[[', '{"a":{"a":{"a":'),
      fc.string({ maxLength: 4 }))
    const edit = fc.record({ at: fc.nat(base.length), cut: fc.nat(12), put: piece })
    fc.assert(fc.property(fc.array(edit, { minLength: 1, maxLength: 4 }), (edits) => {
      let text = base
      for (const { at, cut, put } of edits) text = text.slice(0, at) + put + text.slice(at + cut)
      onlyInputError(() => parse(file(text, 6)))
    }), { numRuns: 20_000 })
  })

  test('random bytes parse or are an InputError', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), fc.boolean(), (bytes, fixLength) => {
      if (fixLength && bytes.length >= 10) new DataView(bytes.buffer, bytes.byteOffset).setBigUint64(0, BigInt(bytes.length - 8), true)
      onlyInputError(() => parse({ bytes, size: bytes.length }))
    }), { numRuns: 10_000 })
  })

  test('a header of 100,000 tensors takes little time, and a bomb of brackets is refused at once', () => {
    const start = performance.now()
    const bomb = new Uint8Array(20_000_000).fill(0x5b)
    bomb.set(new TextEncoder().encode('{"a":{"shape":'))
    expect(() => parse(file(bomb))).toThrow(InputError)
    const many = Array.from({ length: 100_000 }, (_, i) => `"t${i}":${entry('U8', '[1]', `[${i},${i + 1}]`)}`).join(',')
    expect(parse(file(`{${many}}`, 100_000)).size).toBe(100_000)
    expect(performance.now() - start).toBeLessThan(20_000)
  })
})

function onlyInputError(act: () => void): void {
  try {
    act()
  } catch (error) {
    if (!(error instanceof InputError)) throw error
  }
}
