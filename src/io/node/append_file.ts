// A file that grows, on Node: for metrics.jsonl and TensorBoard events.
import { appendFile, mkdir, readFile, truncate } from 'node:fs/promises'
import { dirname } from 'node:path'

export class NodeAppendFile {
  constructor(private readonly path: string) {}

  /** Empty when there is no file yet. */
  async read(): Promise<Uint8Array> {
    try {
      return await readFile(this.path)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return new Uint8Array(0)
      throw error
    }
  }

  async append(bytes: Uint8Array): Promise<void> {
    await mkdir(dirname(this.path), { recursive: true })
    await appendFile(this.path, bytes)
  }

  truncate(numBytes: number): Promise<void> { return truncate(this.path, numBytes) }
}
