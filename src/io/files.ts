// What Weft asks of a file system. Paths use '/', also on Windows. `io/node/files.ts` is the Node implementation;
// tests put faults and an in-memory disk behind the same interface. Nothing here retries: an I/O error reaches the
// caller, because after a failed fsync nobody knows what is on the disk.
import { InputError } from '../core/errors.ts'

/** No single write or read is larger than this: 64 MiB keeps memory flat and lets hashing overlap with the disk. */
export const maxPieceBytes = 64 * 1024 * 1024

/** `link` is a symbolic link itself: stat does not follow it. */
export interface FileInfo { kind: 'file' | 'directory' | 'link' | 'other'; sizeBytes: number }

/** sha256 is 64 lower-case hexadecimal digits. */
export interface Digest { sizeBytes: number; sha256: string }

export type Pieces = Iterable<Uint8Array> | AsyncIterable<Uint8Array>

/** Errors: a path that is missing or of the wrong kind is an InputError; anything else is the system's own error. */
export interface Files {
  /** The whole file. */
  readFile(path: string): Promise<Uint8Array>
  /** Bytes begin <= i < end in a buffer of their own. A file that ends earlier is an InputError. */
  readRange(path: string, begin: number, end: number): Promise<Uint8Array>
  /** Creates or replaces the file and fsyncs it. The digest is of the bytes that were handed over. */
  writeFile(path: string, pieces: Pieces): Promise<Digest>
  /** Size and hash of what is in the file now. */
  digest(path: string): Promise<Digest>
  /** Creates a directory and its parents; one that exists is fine. Durable after `sync` of the parent. */
  makeDir(path: string): Promise<void>
  /** Atomic within a file system. A directory may only be moved to a name that is free or an empty directory. */
  rename(from: string, to: string): Promise<void>
  /** fsync of a file or directory: for a directory, the names in it. */
  sync(path: string): Promise<void>
  /** Names in a directory, sorted. */
  list(path: string): Promise<string[]>
  /** undefined when nothing is there. */
  stat(path: string): Promise<FileInfo | undefined>
  /** Removes a file, or a directory with all that is in it; nothing there is fine. */
  remove(path: string): Promise<void>
  /** Bytes an ordinary user may still write on the file system that holds path, which must exist. */
  freeBytes(path: string): Promise<number>
}

export const joinPath = (dir: string, name: string): string => (dir.endsWith('/') ? dir + name : `${dir}/${name}`)

/** 'runs/x/' -> 'runs', 'x' -> '.', '/x' -> '/'. */
export function parentOf(path: string): string {
  const trimmed = path.replace(/\/+$/, '')
  if (trimmed === '' && path !== '') return '/'
  const slash = trimmed.lastIndexOf('/')
  return slash < 0 ? '.' : slash === 0 ? '/' : trimmed.slice(0, slash)
}

/** Random text for names that must not collide. It never enters a file, so files stay reproducible. */
export function nonce(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(6)), (b) => b.toString(16).padStart(2, '0')).join('')
}

/** Text from a file for an error message: quoted, control characters escaped, at most 80 characters. */
export const quote = (text: string): string => JSON.stringify(text.length > 80 ? text.slice(0, 77) + '...' : text)

const deviceName = /^(con|prn|aux|nul|com[0-9]|lpt[0-9])(\.|$)/i

/** Why `name` from an untrusted file may not be used as the name of a file in a folder; undefined when it may. */
export function badFileName(name: string): string | undefined {
  if (name === '' || name === '.' || name === '..') return 'is not the name of a file'
  if (/[/\\]/.test(name)) return 'contains a path separator'
  // Colons start drives and alternate streams on Windows, and URLs; % would be decoded by a server.
  if (/[\x00-\x1f\x7f:*?"<>|%~]/.test(name)) return 'contains a character that is not allowed'
  if (deviceName.test(name)) return 'is a device name on Windows'
  if (/[ .]$/.test(name) || name.startsWith(' ')) return 'begins or ends with a blank, or ends with a dot'
  if (new TextEncoder().encode(name).length > 255) return 'is longer than 255 bytes'
  if (name !== name.normalize('NFC')) return 'is not in Unicode normal form C'
  // U+2215, U+FF0F and the like look like separators, and some file systems fold them into one.
  if (/[\u2024-\u2026\u2044\u2215\u29f8\uff0e\uff0f\uff3c\u202a-\u202e\u2066-\u2069\u200b-\u200f\ufeff]/.test(name)) {
    return 'contains a character that looks like part of a path'
  }
  return undefined
}

/** Bytes -> text, refusing what is not UTF-8. `where` names the file in the error. */
export function decodeText(bytes: Uint8Array, where: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw new InputError(`${where} is not valid UTF-8`)
  }
}

/** Reads a text file, refusing one above maxBytes before reading it. */
export async function readText(files: Files, path: string, maxBytes: number): Promise<string> {
  const info = await files.stat(path)
  if (!info) throw new InputError(`${path}: no such file`)
  if (info.sizeBytes > maxBytes) throw new InputError(`${path} has ${info.sizeBytes} bytes, must have at most ${maxBytes}`)
  return decodeText(await files.readFile(path), path)
}

export const encodeText = (text: string): Uint8Array => new TextEncoder().encode(text)
