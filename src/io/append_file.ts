// A file that only grows, for logs: unlike the files of a checkpoint it is never replaced.
export interface AppendFile {
  /** All bytes; none when there is no file yet. */
  read(): Promise<Uint8Array>
  append(bytes: Uint8Array): Promise<void>
  /** Cuts the file to its first numBytes. */
  truncate(numBytes: number): Promise<void>
}
