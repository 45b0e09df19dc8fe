import type { AppendFile } from '../../src/io/append_file.ts'

/** A growing file in memory. */
export class MemoryAppend implements AppendFile {
  bytes = new Uint8Array(0)
  async read() { return this.bytes.slice() }
  async append(more: Uint8Array) { this.bytes = Uint8Array.from([...this.bytes, ...more]) }
  async truncate(numBytes: number) {
    if (numBytes > this.bytes.length) throw new RangeError('truncate would lengthen the file')
    this.bytes = this.bytes.slice(0, numBytes)
  }
}
