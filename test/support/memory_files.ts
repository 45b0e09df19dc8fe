// A disk in memory that knows what a power failure could leave of it. Directories are inodes with entries; a change of
// names is pending until one of the directories it touches is synced, and a crash may lose any pending one.
import { createHash } from 'node:crypto'
import { InputError } from '../../src/core/errors.ts'
import type { Digest, FileInfo, Files, Pieces } from '../../src/io/files.ts'

interface FileNode { kind: 'file'; bytes: Uint8Array; synced: boolean }
interface DirNode { kind: 'directory'; entries: Map<string, Inode> }
interface LinkNode { kind: 'link' }
type Inode = FileNode | DirNode | LinkNode

/** One atomic change of names: each entry set to an inode or removed. */
interface NameChange { durable: boolean; sets: { dir: DirNode; name: string; to: Inode | undefined }[] }

const parts = (path: string) => path.split('/').filter((p) => p !== '' && p !== '.')
const errno = (code: string, path: string) => Object.assign(new Error(`${code}: ${path}`), { code })

export class MemoryFiles implements Files {
  root: DirNode = { kind: 'directory', entries: new Map() }
  free = 1e12
  /** Runs after each thing that changes the disk or makes it durable, also in the middle of a write. */
  onChange?: () => Promise<void>
  private log: NameChange[] = []
  /** A write in progress: its bytes may be partly on the disk. */
  private writing: FileNode | undefined

  private find(path: string): Inode | undefined {
    let node: Inode | undefined = this.root
    for (const part of parts(path)) node = node?.kind === 'directory' ? node.entries.get(part) : undefined
    return node
  }

  private place(path: string): { dir: DirNode; name: string } {
    const names = parts(path)
    const name = names.pop()!
    const dir = this.find(names.join('/'))
    if (dir?.kind !== 'directory') throw new InputError(`${path}: no such directory`)
    return { dir, name }
  }

  private file(path: string): FileNode {
    const node = this.find(path)
    if (node?.kind !== 'file') throw new InputError(`${path}: no such file`)
    return node
  }

  private async change(...sets: NameChange['sets']): Promise<void> {
    this.log.push({ durable: false, sets })
    for (const set of sets) apply(set)
    await this.onChange?.()
  }

  async readFile(path: string) {
    return this.file(path).bytes.slice()
  }

  async readRange(path: string, begin: number, end: number) {
    const { bytes } = this.file(path)
    if (end > bytes.length) throw new InputError(`${path} ends at byte ${bytes.length}, must reach byte ${end}`)
    return bytes.slice(begin, end)
  }

  async writeFile(path: string, pieces: Pieces): Promise<Digest> {
    const node: FileNode = { kind: 'file', bytes: new Uint8Array(0), synced: false }
    this.writing = node
    await this.change({ ...this.place(path), to: node })
    for await (const piece of pieces) {
      const longer = new Uint8Array(node.bytes.length + piece.length)
      longer.set(node.bytes)
      longer.set(piece, node.bytes.length)
      node.bytes = longer
      await this.onChange?.()
    }
    node.synced = true
    this.writing = undefined
    await this.onChange?.()
    return digestOf(node.bytes)
  }

  async digest(path: string) {
    return digestOf(this.file(path).bytes)
  }

  async makeDir(path: string) {
    const names = parts(path)
    for (let i = 1; i <= names.length; i++) {
      const at = names.slice(0, i).join('/')
      const node = this.find(at)
      if (node && node.kind !== 'directory') throw new InputError(`${at} is a file, must be a directory`)
      if (!node) await this.change({ ...this.place(at), to: { kind: 'directory', entries: new Map() } })
    }
  }

  async rename(from: string, to: string) {
    const node = this.find(from)
    if (!node) throw new InputError(`${from}: no such file or directory`)
    const target = this.find(to)
    if (target?.kind === 'directory' && target.entries.size) throw errno('ENOTEMPTY', to)
    await this.change({ ...this.place(from), to: undefined }, { ...this.place(to), to: node })
  }

  async sync(path: string) {
    const node = this.find(path)
    if (!node) throw new InputError(`${path}: no such file or directory`)
    for (const change of this.log) if (change.sets.some((set) => set.dir === node)) change.durable = true
    await this.onChange?.()
  }

  async list(path: string) {
    const node = this.find(path)
    if (node?.kind !== 'directory') throw new InputError(`${path}: no such directory`)
    return [...node.entries.keys()].sort()
  }

  async stat(path: string): Promise<FileInfo | undefined> {
    const node = this.find(path)
    return node && { kind: node.kind, sizeBytes: node.kind === 'file' ? node.bytes.length : 0 }
  }

  async remove(path: string) {
    const node = this.find(path)
    if (!node) return
    if (node.kind === 'directory') for (const name of [...node.entries.keys()]) await this.remove(`${path}/${name}`)
    await this.change({ ...this.place(path), to: undefined })
  }

  async freeBytes() {
    return this.free
  }

  /** Test only: bytes behind everyone's back. */
  poke(path: string, bytes: Uint8Array): void {
    const { dir, name } = this.place(path)
    dir.entries.set(name, { kind: 'file', bytes, synced: true })
  }

  link(path: string): void {
    const { dir, name } = this.place(path)
    dir.entries.set(name, { kind: 'link' })
  }

  /** The disk as it may be found after a power failure now: nothing lost, each pending change lost alone, each suffix lost. */
  *crashImages(): Generator<MemoryFiles> {
    const pending = this.log.flatMap((change, i) => (change.durable ? [] : [i]))
    const losses = [new Set<number>(), ...pending.map((i) => new Set([i])), ...pending.map((_, i) => new Set(pending.slice(i)))]
    for (const lost of losses) for (const torn of this.writing ? [0, 0.5, 1] : [1]) yield this.image(lost, torn)
  }

  private image(lost: Set<number>, torn: number): MemoryFiles {
    const image = new MemoryFiles()
    const copies = new Map<Inode, Inode>([[this.root, image.root]])
    const copy = (node: Inode): Inode => {
      let twin = copies.get(node)
      if (!twin) {
        if (node.kind === 'directory') twin = { kind: 'directory', entries: new Map() }
        else if (node.kind === 'file') twin = { ...node, bytes: node.bytes.slice(0, node.synced ? undefined : node.bytes.length * torn) }
        else twin = { kind: 'link' }
        copies.set(node, twin)
      }
      return twin
    }
    for (const [i, change] of this.log.entries()) {
      if (lost.has(i)) continue
      for (const { dir, name, to } of change.sets) apply({ dir: copy(dir) as DirNode, name, to: to && copy(to) })
    }
    return image
  }
}

function apply({ dir, name, to }: NameChange['sets'][number]): void {
  if (to) dir.entries.set(name, to)
  else dir.entries.delete(name)
}

const digestOf = (bytes: Uint8Array): Digest => ({ sizeBytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') })
