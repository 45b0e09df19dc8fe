import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { InputError } from '../../src/core/errors.ts'
import { JsonScanner } from '../../src/io/strict_json.ts'

const skips = (text: string, depth = 8): boolean => {
  try {
    const scan = new JsonScanner(text, 'f')
    scan.skip('the value', depth)
    scan.end()
    return true
  } catch (error) {
    if (error instanceof InputError) return false
    throw error
  }
}

describe('JsonScanner', () => {
  test('takes all JSON that JSON.stringify writes', () => {
    fc.assert(fc.property(fc.jsonValue({ maxDepth: 5 }), fc.constantFrom(undefined, 2), (value, indent) => {
      expect(skips(JSON.stringify(value, null, indent))).toBe(true)
    }))
  })

  test('takes nothing that JSON.parse refuses', () => {
    const piece = fc.constantFrom('{', '}', '[', ']', ',', ':', '"a"', '"', '\\', '0', '1', '-', '+', '.', 'e', 'true', 'null', ' ', '\t')
    fc.assert(fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
      const text = pieces.join('')
      if (skips(text)) JSON.parse(text)
    }), { numRuns: 5_000 })
  })

  test.each(['01', '-', '1.', '.5', '+1', 'nul', 'truex', 'NaN', '1e', '"\t"', '[1 2]', '{"a":1,"a":1}', '{"a"}', '[,]', ''])('refuses %j', (text) => {
    expect(skips(text)).toBe(false)
  })

  test('depth is bounded', () => {
    expect(skips('['.repeat(8) + ']'.repeat(8))).toBe(true)
    expect(skips('['.repeat(9) + ']'.repeat(9))).toBe(false)
    expect(skips('['.repeat(1_000_000))).toBe(false)
  })

  test('strings decode as JSON.parse does', () => {
    fc.assert(fc.property(fc.string({ unit: fc.constantFrom('a', '\\', '"', '\n', '\u0000', '\u007f', 'é', '\ud83d\ude00', '\u2028') }), (text) => {
      expect(new JsonScanner(JSON.stringify(text), 'f').string('s')).toBe(text)
    }))
  })

  test('integers: plain digits below 2^53', () => {
    const read = (text: string) => new JsonScanner(text, 'f').integer('n')
    expect(read(' 9007199254740991')).toBe(Number.MAX_SAFE_INTEGER)
    expect(read('0')).toBe(0)
    for (const text of ['9007199254740992', '9007199254740993', '00', '-0', '1e3', '1.0', '', 'x', '"1"']) {
      expect(() => read(text), text).toThrow(InputError)
    }
  })

  test('the message names file, thing, value and place', () => {
    expect(() => new JsonScanner('{"a": x}', 'f.json').object('the index', () => { throw new InputError('unreached') })).toThrow('unreached')
    expect(() => new JsonScanner('  [1]', 'f.json').object('the index', () => {})).toThrow('f.json: the index is "[1]", must be an object, at character 2')
  })
})
