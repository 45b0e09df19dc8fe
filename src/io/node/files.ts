// The file system of Node behind `Files`. Each method is one or a few system calls; a test passes another `fs` to see
// short writes and failing calls from below.
import { createHash } from 'node:crypto'
import * as nodeFs from 'node:fs/promises'
import { InputError } from '../../core/errors.ts'
import { type Digest, type FileInfo, type Files, type Pieces, maxPieceBytes } from '../files.ts'

type Fs = Pick<typeof nodeFs, 'open' | 'mkdir' | 'rename' | 'readdir' | 'lstat' | 'rm' | 'statfs'>
type Handle = nodeFs.FileHandle

/** Pieces below this size are collected first, so that a file of many small tensors costs few system calls. */
const batchBytes = 1024 * 1024

export class NodeFiles implements Files {
  constructor(private readonly fs: Fs = nodeFs) {}

  async readFile(path: string): Promise<Uint8Array> {
    return this.withFile(path, 'r', async (file) => {
      const { size } = await file.stat()
      return readFully(file, path, 0, size)
    })
  }

  async readRange(path: string, begin: number, end: number): Promise<Uint8Array> {
    return this.withFile(path, 'r', (file) => readFully(file, path, begin, end))
  }

  async writeFile(path: string, pieces: Pieces): Promise<Digest> {
    const hash = createHash('sha256')
    let sizeBytes = 0
    await this.withFile(path, 'w', async (file) => {
      for await (const piece of inBatches(pieces)) {
        // The disk works while this thread hashes.
        const written = writeFully(file, path, piece)
        hash.update(piece)
        await written
        sizeBytes += piece.length
      }
      await file.sync()
    })
    return { sizeBytes, sha256: hash.digest('hex') }
  }

  async digest(path: string): Promise<Digest> {
    return this.withFile(path, 'r', async (file) => {
      const { size } = await file.stat()
      const hash = createHash('sha256')
      for (let at = 0; at < size; at += maxPieceBytes) {
        hash.update(await readFully(file, path, at, Math.min(size, at + maxPieceBytes)))
      }
      return { sizeBytes: size, sha256: hash.digest('hex') }
    })
  }

  async makeDir(path: string): Promise<void> {
    await named(path, () => this.fs.mkdir(path, { recursive: true }))
  }

  async rename(from: string, to: string): Promise<void> {
    await named(from, () => this.fs.rename(from, to))
  }

  async sync(path: string): Promise<void> {
    // Windows cannot open a directory as a file; its file systems journal renames by themselves.
    if (process.platform === 'win32') return
    await this.withFile(path, 'r', (file) => file.sync())
  }

  async list(path: string): Promise<string[]> {
    return (await named(path, () => this.fs.readdir(path))).sort()
  }

  async stat(path: string): Promise<FileInfo | undefined> {
    try {
      const s = await this.fs.lstat(path)
      const kind = s.isFile() ? 'file' : s.isDirectory() ? 'directory' : s.isSymbolicLink() ? 'link' : 'other'
      return { kind, sizeBytes: s.size }
    } catch (error) {
      if (['ENOENT', 'ENOTDIR'].includes(codeOf(error))) return undefined
      return refuse(path, error)
    }
  }

  async remove(path: string): Promise<void> {
    await this.fs.rm(path, { recursive: true, force: true })
  }

  async freeBytes(path: string): Promise<number> {
    const s = await named(path, () => this.fs.statfs(path))
    return s.bavail * s.bsize
  }

  private async withFile<T>(path: string, flags: 'r' | 'w', use: (file: Handle) => Promise<T>): Promise<T> {
    const file = await named(path, () => this.fs.open(path, flags))
    let result: T
    try {
      result = await named(path, () => use(file))
    } catch (error) {
      await file.close().catch(() => {}) // the first error is the one to tell
      throw error
    }
    await file.close()
    return result
  }
}

async function readFully(file: Handle, path: string, begin: number, end: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(end - begin)
  for (let at = 0; at < bytes.length; ) {
    const wanted = Math.min(bytes.length - at, maxPieceBytes)
    const { bytesRead } = await file.read(bytes, at, wanted, begin + at)
    if (bytesRead === 0) throw new InputError(`${path} ends at byte ${begin + at}, must reach byte ${end}: it was truncated`)
    at += bytesRead
  }
  return bytes
}

/** write(2) may take fewer bytes than it was given. */
async function writeFully(file: Handle, path: string, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length; ) {
    const { bytesWritten } = await file.write(bytes, at, bytes.length - at)
    if (bytesWritten === 0) throw new Error(`${path}: the system wrote 0 bytes of ${bytes.length - at}`)
    at += bytesWritten
  }
}

/** Regroups pieces: small ones are copied together up to batchBytes, large ones cut at maxPieceBytes. */
async function* inBatches(pieces: Pieces): AsyncGenerator<Uint8Array> {
  let batch = new Uint8Array(0)
  let used = 0
  for await (const piece of pieces) {
    if (used + piece.length > batchBytes) {
      if (used) yield batch.subarray(0, used)
      used = 0
    }
    if (piece.length >= batchBytes) {
      for (let at = 0; at < piece.length; at += maxPieceBytes) yield piece.subarray(at, at + maxPieceBytes)
      continue
    }
    if (used + piece.length > batch.length) {
      const larger = new Uint8Array(Math.min(batchBytes, Math.max(4096, 2 * (used + piece.length))))
      larger.set(batch.subarray(0, used))
      batch = larger
    }
    batch.set(piece, used)
    used += piece.length
  }
  if (used) yield batch.subarray(0, used)
}

const codeOf = (error: unknown): string => String((error as { code?: unknown } | null)?.code ?? '')

/** Errors that the user caused and can mend; everything else stays what the system said. */
const meaning: Record<string, string> = {
  ENOENT: 'no such file or directory',
  ENOTDIR: 'a part of this path is a file, must be a directory',
  EISDIR: 'is a directory, must be a file',
  ENAMETOOLONG: 'the name is too long',
  ELOOP: 'too many symbolic links',
  ERR_INVALID_ARG_VALUE: 'the path contains a NUL character',
}

function refuse(path: string, error: unknown): never {
  const means = meaning[codeOf(error)]
  throw means ? new InputError(`${path}: ${means}`, { cause: error }) : error
}

async function named<T>(path: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call()
  } catch (error) {
    return refuse(path, error)
  }
}
