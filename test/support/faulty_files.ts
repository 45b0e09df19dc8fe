// A `Files` that fails at one chosen point. Every call is a point; writeFile has one for opening, one per piece and one
// for its fsync, so that counting through all k meets a write at each of its stages.
import type { Digest, FileInfo, Files, Pieces } from '../../src/io/files.ts'

/**
 * ENOSPC, EIO: the call fails and does nothing more.
 * short: half of the piece arrives, then the call fails with EIO.
 * lost: half of the piece arrives, the rest never does, and the call reports success (a lying disk).
 * On calls that write no piece, short and lost act as EIO.
 */
export type Fault = 'ENOSPC' | 'EIO' | 'short' | 'lost'

export interface FaultPlan {
  /** 1 is the first call; 0 never fails. */
  failAt: number
  fault: Fault
  /** Every call from failAt on fails, as on a disk that stays full. */
  sticky?: boolean
}

export class FaultyFiles implements Files {
  calls = 0
  fired = 0

  constructor(private readonly inner: Files, private readonly plan: FaultPlan) {}

  private fires(): boolean {
    this.calls++
    const hit = this.plan.failAt > 0 && (this.plan.sticky ? this.calls >= this.plan.failAt : this.calls === this.plan.failAt)
    if (hit) this.fired++
    return hit
  }

  private error(what: string): Error {
    const code = this.plan.fault === 'ENOSPC' ? 'ENOSPC' : 'EIO'
    return Object.assign(new Error(`${code}: injected at call ${this.calls}, ${what}`), { code })
  }

  private async pass<T>(what: string, call: () => Promise<T>): Promise<T> {
    if (this.fires()) throw this.error(what)
    return call()
  }

  async writeFile(path: string, pieces: Pieces): Promise<Digest> {
    if (this.fires()) throw this.error(`open ${path}`)
    const all: Uint8Array[] = []
    for await (const piece of pieces) all.push(piece.slice())
    for (const [i, piece] of all.entries()) {
      if (!this.fires()) continue
      const { fault } = this.plan
      const halves = fault === 'short' || fault === 'lost' ? [piece.subarray(0, piece.length >> 1)] : []
      // The digest is of what was handed over; only the disk knows that it has less.
      const intended = await this.digestOf(path, all)
      await this.inner.writeFile(path, [...all.slice(0, i), ...halves])
      if (fault !== 'lost') throw this.error(`write ${path}`)
      return intended
    }
    const digest = await this.inner.writeFile(path, all)
    if (this.fires()) throw this.error(`fsync ${path}`)
    return digest
  }

  private async digestOf(path: string, pieces: Uint8Array[]): Promise<Digest> {
    const aside = `${path}.digest`
    const digest = await this.inner.writeFile(aside, pieces)
    await this.inner.remove(aside)
    return digest
  }

  readFile = (path: string): Promise<Uint8Array> => this.pass(`read ${path}`, () => this.inner.readFile(path))
  readRange = (path: string, begin: number, end: number): Promise<Uint8Array> =>
    this.pass(`read ${path}`, () => this.inner.readRange(path, begin, end))
  digest = (path: string): Promise<Digest> => this.pass(`digest ${path}`, () => this.inner.digest(path))
  makeDir = (path: string): Promise<void> => this.pass(`mkdir ${path}`, () => this.inner.makeDir(path))
  rename = (from: string, to: string): Promise<void> => this.pass(`rename ${from}`, () => this.inner.rename(from, to))
  sync = (path: string): Promise<void> => this.pass(`sync ${path}`, () => this.inner.sync(path))
  list = (path: string): Promise<string[]> => this.pass(`list ${path}`, () => this.inner.list(path))
  stat = (path: string): Promise<FileInfo | undefined> => this.pass(`stat ${path}`, () => this.inner.stat(path))
  remove = (path: string): Promise<void> => this.pass(`remove ${path}`, () => this.inner.remove(path))
  freeBytes = (path: string): Promise<number> => this.pass(`statfs ${path}`, () => this.inner.freeBytes(path))
}
