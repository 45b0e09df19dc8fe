import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { InputError } from '../../src/core/errors.ts'
import { bigramLoss, TokenData, type Cursor } from '../../src/io/data.ts'
import { joinVerses, maxLineBytes, parseJsonLines, readTexts } from '../../src/io/data_sources.ts'
import { kjvText, loadText } from '../../src/io/node/data_files.ts'
import { NodeFiles } from '../../src/io/node/files.ts'

const files = new NodeFiles()
const utf8 = (text: string) => new TextEncoder().encode(text)
const textOf = (bytes: Uint8Array) => new TextDecoder().decode(bytes)

describe('readTexts', () => {
  let dir = ''
  const put = (name: string, content: string | Uint8Array) => { writeFileSync(join(dir, name), content); return join(dir, name) }
  beforeAll(() => {
    dir = mkdtempSync(join(tmpdir(), 'weft-data-'))
    mkdirSync(join(dir, 'books/b'), { recursive: true })
    put('books/c.txt', 'third')
    put('books/a.txt', '\ufefffirst')
    put('books/b/x.jsonl', '{"text":"second"}\n\n{"text":"zweites ü"}')
    put('books/.hidden', Uint8Array.of(0xff))
    put('books/d_empty.txt', '')
    symlinkSync(join(dir, 'books'), join(dir, 'books/b/loop'))
  })
  afterAll(() => rmSync(dir, { recursive: true, force: true }))

  it('reads folders in order, without hidden files, links and byte order marks', async () => {
    expect(textOf(await readTexts(files, [join(dir, 'books')]))).toBe('first\n\nsecond\n\nzweites ü\n\nthird')
  })

  it('reads files in the order given', async () => {
    expect(textOf(await readTexts(files, [join(dir, 'books/c.txt'), join(dir, 'books/a.txt')]))).toBe('third\n\nfirst')
  })

  it('refuses missing paths, empty data and bytes that are not UTF-8', async () => {
    await expect(readTexts(files, [join(dir, 'nowhere')])).rejects.toThrow(/nowhere: no such file or folder/)
    await expect(readTexts(files, [put('empty.txt', '')])).rejects.toThrow(/training data is empty/)
    const latin = put('latin.txt', Uint8Array.of(0x61, 0xe9, 0x62))
    await expect(readTexts(files, [latin])).rejects.toThrow(InputError)
    await expect(readTexts(files, [latin])).rejects.toThrow(/latin\.txt is not UTF-8 text/)
    await expect(readTexts(files, [put('cut.txt', Uint8Array.of(0x61, 0xc3))])).rejects.toThrow(/not UTF-8/)
  })

  it('takes characters that straddle its pieces', async () => {
    const text = 'ü'.repeat((1 << 20) + 3)
    expect((await readTexts(files, [put('long.txt', `x${text}`)])).length).toBe(2 * text.length + 1)
  })

  it('goes through loadText', async () => {
    expect(textOf(await loadText(files, { kind: 'files', paths: [join(dir, 'books/c.txt')], field: 'text' }))).toBe('third')
  })
})

describe('parseJsonLines', () => {
  const parse = (text: string | Uint8Array, field = 'text') => parseJsonLines(typeof text === 'string' ? utf8(text) : text, field, 'a.jsonl').map(textOf)

  it('takes the field of each line', () => {
    expect(parse('{"body":"a"}\r\n{"body":"b","text":1}\n', 'body')).toEqual(['a', 'b'])
  })

  it.each([
    ['{"text":"a"}\nnot json', 'a.jsonl, line 2 is not JSON'],
    ['{"txt":"a"}', 'a.jsonl, line 1 has no string "text"'],
    ['{"text":1}', 'a.jsonl, line 1 has no string "text"'],
    ['null', 'a.jsonl, line 1 has no string "text"'],
    ['"text"', 'a.jsonl, line 1 has no string "text"'],
    ['{"text":"\\ud800"}', 'half of a surrogate pair'],
  ])('refuses %s', (text, sentence) => {
    expect(() => parse(text)).toThrow(InputError)
    expect(() => parse(text)).toThrow(sentence)
  })

  it('refuses inherited keys, bad UTF-8 and a huge line', () => {
    expect(() => parse('{}', 'constructor')).toThrow(InputError)
    expect(() => parse(Uint8Array.of(0xff, 0x0a))).toThrow('line 1 is not UTF-8')
    expect(() => parse(new Uint8Array(maxLineBytes + 1).fill(0x20))).toThrow(`must have at most ${maxLineBytes}`)
  })
})

describe('the King James text', () => {
  it('joins verses under headings, without marks', () => {
    const verses = { 'Ruth 1:1': 'Now it [came] to pass.', 'Ruth 1:2': 'And the name.', 'Ruth 1:3': '# And Elimelech.', 'Ruth 2:1': 'And Naomi.', '1 Samuel 1:1': 'Now there was.' }
    expect(joinVerses(verses)).toBe('RUTH\n\nNow it came to pass. And the name.\nAnd Elimelech.\nAnd Naomi.\n\n1 SAMUEL\n\nNow there was.\n')
    expect(() => joinVerses({ Ruth: 'x' })).toThrow(InputError)
  })

  it('is the whole book in plain ASCII', () => {
    const text = kjvText()
    expect(text.startsWith('GENESIS\n\nIn the beginning God created the heaven and the earth. And the earth')).toBe(true)
    expect(text.endsWith('Amen.\n')).toBe(true)
    expect(text).toContain("\n\nSOLOMON'S SONG\n\n")
    expect(/^[\n\x20-\x7e]*$/.test(text)).toBe(true)
    expect(/[#[\]]/.test(text)).toBe(false)
    expect(text.length).toBeGreaterThan(4_000_000)
  })
})

const ramp = Int32Array.from({ length: 103 }, (_, i) => i)
const open = (change: Partial<ConstructorParameters<typeof TokenData>[1]> = {}, tokens: Uint8Array | Int32Array = ramp) =>
  new TokenData(tokens, { sequenceLength: 8, vocabSize: 256, validationFraction: 0.2, seed: 1, ...change })
const starts = (batch: { ids: Int32Array }) => [...batch.ids].filter((_, i) => i % 8 === 0)

describe('TokenData', () => {
  it('splits at the tail and counts sequences', () => {
    const data = open()
    expect([data.numTrainTokens, data.numTrainSequences, data.numValidationSequences]).toEqual([83, 10, 2])
    expect([data.trainTokens.length, data.validationTokens[0]]).toEqual([83, 83])
  })

  it('gives targets one and two tokens on', () => {
    const batch = open({ extra: 2 }).batch({ epoch: 0, offset: 0 }, 3)
    expect(batch.numSequences).toBe(3)
    expect([...batch.targets]).toEqual([...batch.ids].map((id) => id + 1))
    expect([...batch.mtpTargets!]).toEqual([...batch.ids].map((id) => id + 2))
    expect(open().batch({ epoch: 0, offset: 0 }, 1).mtpTargets).toBeNull()
  })

  it('never trains on a validation token', () => {
    const data = open({ extra: 2 })
    const all = data.batch({ epoch: 0, offset: 0 }, data.numTrainSequences)
    expect(Math.max(...all.mtpTargets!)).toBeLessThan(data.numTrainTokens)
  })

  it('shows each sequence once an epoch, in an order of its own', () => {
    const data = open()
    const epochs = [0, 1].map((epoch) => starts(data.batch({ epoch, offset: 0 }, 10)))
    for (const epoch of epochs) expect([...epoch].sort((a, b) => a - b)).toEqual([0, 8, 16, 24, 32, 40, 48, 56, 64, 72])
    expect(epochs[0]).not.toEqual(epochs[1])
    expect(starts(open({ seed: 2 }).batch({ epoch: 0, offset: 0 }, 10))).not.toEqual(epochs[0])
  })

  it('continues exactly from a cursor that went through JSON, across epochs', () => {
    const data = open()
    const whole: number[] = []
    let cursor: Cursor = { epoch: 0, offset: 0 }
    for (let i = 0; i < 9; i++) {
      const batch = open().batch(JSON.parse(JSON.stringify(cursor)) as Cursor, 3) // a fresh object each time, as after a restart
      whole.push(...starts(batch))
      cursor = batch.cursor
    }
    expect(cursor).toEqual({ epoch: 2, offset: 7 })
    expect(whole).toEqual(starts(data.batch({ epoch: 0, offset: 0 }, 27)))
  })

  it('refuses a cursor that does not fit', () => {
    for (const cursor of [{ epoch: 0, offset: 11 }, { epoch: -1, offset: 0 }, { epoch: 0.5, offset: 0 }, { epoch: 0, offset: NaN }]) expect(() => open().batch(cursor, 1)).toThrow(InputError)
  })

  it('validates in text order, always the same', () => {
    const data = open()
    expect(data.validationBatches(1, 9).map(starts)).toEqual([[83], [91]])
    expect(data.validationBatches(1, 1).map(starts)).toEqual([[83]])
    expect(data.validationBatches(5, 9).map(starts)).toEqual([[83, 91]])
    expect(open({ validationFraction: 0 }).validationBatches(4, 9)).toEqual([])
  })

  it.each<[string, () => unknown, string]>([
    ['nothing', () => open({}, new Uint8Array(0)), 'is empty'],
    ['too little to train on', () => open({ validationFraction: 0 }, new Uint8Array(8)), 'has 8 tokens to train on; one sequence needs 9'],
    ['too little to validate on', () => open({ validationFraction: 0.01 }), 'leaves 1 to validate on; one sequence needs 9'],
    ['a token beyond the vocabulary', () => open({ vocabSize: 102 }), 'token 102 is 102; it must be below the vocabulary\'s size, 102'],
    ['a negative token', () => open({}, Int32Array.from(ramp, (t) => (t === 5 ? -1 : t))), 'token 5 is -1'],
    ['a byte beyond the vocabulary', () => open({ vocabSize: 50 }, Uint8Array.from(ramp)), 'token 50 is 50'],
  ])('refuses %s', (_, make, sentence) => {
    expect(make).toThrow(InputError)
    expect(make).toThrow(sentence)
  })

  it('has a hash that sees every token', () => {
    const hashes = new Set([open().hash, open({}, Int32Array.from(ramp).reverse()).hash, ...[0, 50, 102].map((at) => open({}, Int32Array.from(ramp, (t, i) => (i === at ? t + 1 : t))).hash)])
    expect(hashes.size).toBe(5)
    expect(open().hash).toBe(open({}, Uint8Array.from(ramp)).hash)
    expect(open().hash).toMatch(/^[0-9a-f]{16}$/)
  })
})

describe('bigramLoss', () => {
  it('matches a hand-computed case', () => {
    // Training pairs ab, ba, ab; validation ab: (2 + alpha) / (2 + 256 alpha), best at alpha 0.01.
    expect(bigramLoss(utf8('abab'), utf8('ab'))).toBeCloseTo(-Math.log(2.01 / 4.56), 12)
  })

  it('is ln 256 where nothing is known', () => {
    expect(bigramLoss(new Uint8Array(1), utf8('ab'))).toBe(Math.log(256))
    expect(bigramLoss(utf8('xx'), utf8('ab'))).toBeCloseTo(Math.log(256), 12)
  })

  it('is about 2.3 nats on the King James text', () => {
    const bytes = utf8(kjvText())
    const cut = Math.floor(bytes.length * 0.95)
    const loss = bigramLoss(bytes.subarray(0, cut), bytes.subarray(cut))
    console.log(`bigram loss on the King James text: ${loss.toFixed(4)} nats per byte`)
    expect(loss).toBeGreaterThan(2.2)
    expect(loss).toBeLessThan(2.6)
  })
})
