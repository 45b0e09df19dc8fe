// Reads and writes safetensors files, one tensor at a time: a file may be far larger than memory.
import { InputError } from '../core/errors.ts'
import { type Digest, type Files, encodeText, quote } from './files.ts'
import {
  type Header, type StoredDType, type TensorInfo, defaultHeaderBytes, headerBytes, isStoredDType, maxNameBytes,
  parseHeaderParts, showShape, tensorBytes,
} from './safetensors_header.ts'

export { parseHeader, tensorBytes, type StoredDType, type TensorInfo } from './safetensors_header.ts'
export { toFloat32, toInt32 } from './safetensors_decode.ts'

/** Row-major little-endian bytes in a buffer of their own. */
export interface StoredTensor { dtype: StoredDType; shape: number[]; bytes: Uint8Array }

/** A single allocation in Node 20 goes up to 4 GiB. */
const maxReadBytes = 2 ** 32 - 1

export class SafetensorsReader {
  private constructor(private readonly files: Files, readonly path: string, private readonly header: Header) {}

  /** Reads and checks the header. Throws InputError for a file that breaks a rule. */
  static async open(files: Files, path: string, options: { maxHeaderBytes?: number } = {}): Promise<SafetensorsReader> {
    const info = await files.stat(path)
    if (!info) throw new InputError(`${path}: no such file`)
    const cap = options.maxHeaderBytes ?? defaultHeaderBytes
    const start = await files.readRange(path, 0, Math.min(8, info.sizeBytes))
    const length = headerBytes(start, info.sizeBytes, path, cap)
    const bytes = await files.readRange(path, 0, 8 + length)
    return new SafetensorsReader(files, path, parseHeaderParts(bytes, info.sizeBytes, path, cap))
  }

  get tensors(): ReadonlyMap<string, TensorInfo> {
    return this.header.tensors
  }

  get metadata(): ReadonlyMap<string, string> {
    return this.header.metadata
  }

  /** Throws InputError for a name that is not in the file, and for a file that shrank after open. */
  info(name: string): TensorInfo {
    const info = this.header.tensors.get(name)
    if (!info) throw new InputError(`${this.path} has no tensor ${quote(name)}`)
    return info
  }

  async read(name: string): Promise<StoredTensor> {
    const { dtype, shape, begin, end } = this.info(name)
    if (end - begin > maxReadBytes) {
      throw new InputError(`${this.path}: tensor ${quote(name)} has ${end - begin} bytes, read() takes at most ${maxReadBytes}: use readBytes()`)
    }
    return { dtype, shape: [...shape], bytes: await this.files.readRange(this.path, begin, end) }
  }

  /** Part of a tensor: bytes begin <= i < end counted from the tensor's first byte. */
  async readBytes(name: string, begin: number, end: number): Promise<Uint8Array> {
    const info = this.info(name)
    const size = info.end - info.begin
    if (!(0 <= begin && begin <= end && end <= size)) {
      throw new InputError(`${this.path}: bytes ${begin} to ${end} of tensor ${quote(name)}, must lie within 0 to ${size}`)
    }
    return this.files.readRange(this.path, info.begin + begin, info.begin + end)
  }
}

/** A tensor to write. `bytes` is called once, in order, and must give the size that dtype and shape say. */
export interface TensorSource {
  name: string
  dtype: StoredDType
  shape: readonly number[]
  bytes: () => Uint8Array | Promise<Uint8Array>
}

/** Writes the tensors in the order given; the same input gives the same bytes. Returns the file's size and hash. */
export async function writeSafetensors(
  files: Files, path: string, entries: Iterable<TensorSource>, metadata: Readonly<Record<string, string>> = {},
): Promise<Digest> {
  const list = [...entries]
  const header = encodeHeader(list, metadata, path)
  async function* pieces() {
    yield header
    for (const entry of list) {
      const bytes = await entry.bytes()
      const wanted = sizeOf(entry, path)
      if (bytes.length !== wanted) {
        throw new Error(`${path}: tensor ${quote(entry.name)} gave ${bytes.length} bytes, must give ${wanted} for ${entry.dtype} ${showShape(entry.shape)}`)
      }
      if (bytes.length) yield bytes
    }
  }
  return files.writeFile(path, pieces())
}

/** Length and JSON, padded with blanks so that the data begins at a multiple of 8. */
export function encodeHeader(
  entries: readonly Omit<TensorSource, 'bytes'>[], metadata: Readonly<Record<string, string>>, where: string,
): Uint8Array {
  const parts: string[] = []
  const pairs = Object.entries(metadata)
  if (pairs.length) {
    parts.push(`"__metadata__":{${pairs.map(([k, v]) => `${jsonText(k, where)}:${jsonText(v, where)}`).join(',')}}`)
  }
  const seen = new Set<string>(['__metadata__'])
  let at = 0
  for (const entry of entries) {
    const name = jsonText(entry.name, where)
    if (seen.has(entry.name)) throw new Error(`${where}: tensor name ${name} is taken`)
    if (encodeText(entry.name).length > maxNameBytes) throw new Error(`${where}: tensor name ${quote(entry.name)} is longer than ${maxNameBytes} bytes`)
    seen.add(entry.name)
    const end = at + sizeOf(entry, where)
    parts.push(`${name}:{"dtype":"${entry.dtype}","shape":[${entry.shape.join(',')}],"data_offsets":[${at},${end}]}`)
    at = end
  }
  const json = encodeText(`{${parts.join(',')}}`)
  const length = Math.ceil(json.length / 8) * 8
  if (length > defaultHeaderBytes) throw new Error(`${where}: the header would have ${length} bytes, must have at most ${defaultHeaderBytes}: use more files`)
  const bytes = new Uint8Array(8 + length).fill(0x20)
  new DataView(bytes.buffer).setBigUint64(0, BigInt(length), true)
  bytes.set(json, 8)
  return bytes
}

function sizeOf({ name, dtype, shape }: Omit<TensorSource, 'bytes'>, where: string): number {
  if (!isStoredDType(dtype)) throw new Error(`${where}: tensor ${quote(name)} has the unknown dtype ${quote(String(dtype))}`)
  const bytes = shape.every((n) => Number.isSafeInteger(n) && n >= 0 && !Object.is(n, -0)) ? tensorBytes(dtype, shape) : undefined
  if (bytes === undefined) throw new Error(`${where}: tensor ${quote(name)} has the shape ${showShape(shape)}, must be integers whose product is below 2^53 bytes`)
  return bytes
}

/** Half a surrogate pair has no UTF-8, so such a name could not be read back. */
function jsonText(text: string, where: string): string {
  if (/\p{Surrogate}/u.test(text)) throw new Error(`${where}: ${quote(text)} contains half of a surrogate pair`)
  return JSON.stringify(text)
}

/** The bytes of a typed array, without a copy. Every platform Weft runs on is little-endian. */
export const bytesOf = (array: ArrayBufferView): Uint8Array => new Uint8Array(array.buffer, array.byteOffset, array.byteLength)
