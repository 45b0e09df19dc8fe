// The header of a safetensors file: 8 bytes little-endian length N, N bytes of JSON, then the data of all tensors
// without a gap. The rules are those of the reference implementation (huggingface/safetensors, tensor.rs), and stricter
// where JSON leaves room: a file that this parser takes has exactly one meaning.
import { InputError } from '../core/errors.ts'
import { decodeText, encodeText, quote } from './files.ts'
import { JsonScanner } from './strict_json.ts'

export const storedBytes = {
  F64: 8, F32: 4, F16: 2, BF16: 2, F8_E4M3: 1, F8_E5M2: 1, I64: 8, I32: 4, U32: 4, I16: 2, U16: 2, I8: 1, U8: 1, BOOL: 1,
} as const
export type StoredDType = keyof typeof storedBytes

/** begin and end are byte offsets in the file. */
export interface TensorInfo { dtype: StoredDType; shape: number[]; begin: number; end: number }

export interface Header { tensors: Map<string, TensorInfo>; metadata: Map<string, string> }

export const defaultHeaderBytes = 25_000_000
const hardHeaderBytes = 100_000_000
const maxTensors = 1_000_000
export const maxNameBytes = 512

/**
 * N from the first 8 bytes, checked against the file's size and the cap (25 MB unless told, never above 100 MB) before
 * anything of that size is allocated. Throws InputError.
 */
export function headerBytes(start: Uint8Array, fileSize: number, where: string, maxBytes = defaultHeaderBytes): number {
  if (fileSize < 10 || start.length < 8) {
    throw new InputError(`${where} has ${fileSize} bytes, a safetensors file must have at least 10`)
  }
  const view = new DataView(start.buffer, start.byteOffset, 8)
  const length = view.getUint32(0, true) + view.getUint32(4, true) * 2 ** 32
  const cap = Math.min(maxBytes, hardHeaderBytes)
  if (length > cap) throw new InputError(`${where}: the header has ${length} bytes, must have at most ${cap}`)
  if (length < 2) throw new InputError(`${where}: the header has ${length} bytes, must have at least 2`)
  if (8 + length > fileSize) {
    throw new InputError(`${where}: the header ends at byte ${8 + length}, but the file has only ${fileSize} bytes`)
  }
  return length
}

/** Tensors by name, in the order of the header. `bytes` holds at least the 8 + N bytes that start the file. */
export function parseHeader(bytes: Uint8Array, fileSize: number, where: string): Map<string, TensorInfo> {
  return parseHeaderParts(bytes, fileSize, where).tensors
}

/** As parseHeader, with `__metadata__`. Throws InputError. */
export function parseHeaderParts(bytes: Uint8Array, fileSize: number, where: string, maxBytes?: number): Header {
  const length = headerBytes(bytes, fileSize, where, maxBytes)
  if (bytes.length < 8 + length) throw new InputError(`${where}: ${bytes.length} bytes given, the header ends at ${8 + length}`)
  const text = decodeText(bytes.subarray(8, 8 + length), `${where}: the header`)
  if (text[0] !== '{') throw new InputError(`${where}: the header begins with ${quote(text.slice(0, 1))}, must begin with "{"`)

  const tensors = new Map<string, TensorInfo>()
  const metadata = new Map<string, string>()
  const scan = new JsonScanner(text, `${where}: header`)
  scan.object('the header', (name) => {
    if (name === '__metadata__') {
      scan.object('__metadata__', (key) => void metadata.set(key, scan.string(`__metadata__ ${quote(key)}`)))
      return
    }
    if (tensors.size === maxTensors) scan.fail(`there are more than ${maxTensors} tensors`)
    // A UTF-16 unit is at least one byte, so the first test spares encoding a giant name.
    if (name.length > maxNameBytes || encodeText(name).length > maxNameBytes) {
      scan.fail(`tensor name ${quote(name)} is longer than ${maxNameBytes} bytes`)
    }
    tensors.set(name, parseTensor(scan, name, 8 + length))
  })
  scan.end((code) => code === 0x20)
  checkLayout(tensors, 8 + length, fileSize, where)
  return { tensors, metadata }
}

function parseTensor(scan: JsonScanner, name: string, dataStart: number): TensorInfo {
  const what = `tensor ${quote(name)}`
  let dtype: string | undefined
  let shape: number[] | undefined
  let offsets: number[] | undefined
  scan.object(what, (key) => {
    if (key === 'dtype') dtype = scan.string(`dtype of ${what}`)
    else if (key === 'shape') shape = integers(scan, `shape of ${what}`)
    else if (key === 'data_offsets') offsets = integers(scan, `data_offsets of ${what}`)
    else scan.fail(`${what} has the unknown key ${quote(key)}, must have dtype, shape and data_offsets`)
  })
  if (dtype === undefined || !shape || !offsets) {
    const missing = dtype === undefined ? 'dtype' : !shape ? 'shape' : 'data_offsets'
    return scan.fail(`${what} has no ${missing}`)
  }
  if (!isStoredDType(dtype)) {
    return scan.fail(`${what} has dtype ${quote(dtype)}, must be one of ${Object.keys(storedBytes).join(' ')}`)
  }
  if (offsets.length !== 2) return scan.fail(`data_offsets of ${what} has ${offsets.length} numbers, must have 2`)
  const [begin, end] = offsets
  const size = tensorBytes(dtype, shape)
  if (size === undefined) return scan.fail(`the size of ${what}, ${dtype} ${showShape(shape)}, must be below 2^53 bytes`)
  if (begin > end) return scan.fail(`${what} begins at ${begin} and ends at ${end}, must not end before it begins`)
  if (end - begin !== size) {
    return scan.fail(`${what} has ${end - begin} bytes, must have ${size} for ${dtype} ${showShape(shape)}`)
  }
  return { dtype, shape, begin: dataStart + begin, end: dataStart + end }
}

function integers(scan: JsonScanner, what: string): number[] {
  const list: number[] = []
  scan.array(what, () => void list.push(scan.integer(`a number in ${what}`)))
  return list
}

/** Sorted by start, the tensors cover the data exactly: no gap for hidden bytes, no overlap, nothing behind the last. */
function checkLayout(tensors: Map<string, TensorInfo>, dataStart: number, fileSize: number, where: string): void {
  const sorted = [...tensors].sort(([, a], [, b]) => a.begin - b.begin || a.end - b.end)
  let at = dataStart
  for (const [name, { begin, end }] of sorted) {
    if (begin !== at) {
      const kind = begin > at ? 'a gap' : 'an overlap'
      throw new InputError(
        `${where}: tensor ${quote(name)} begins at data byte ${begin - dataStart}, must begin at ${at - dataStart} (${kind})`)
    }
    at = end
  }
  if (at !== fileSize) throw new InputError(`${where} has ${fileSize} bytes, must have ${at} as its header says`)
}

export const isStoredDType = (name: string): name is StoredDType => Object.hasOwn(storedBytes, name)

export const showShape = (shape: readonly number[]): string =>
  `[${shape.slice(0, 8).join(', ')}${shape.length > 8 ? `, ... ${shape.length} extents` : ''}]`

/** Bytes of a tensor, or undefined when an intermediate product reaches 2^53. */
export function tensorBytes(dtype: StoredDType, shape: readonly number[]): number | undefined {
  let bytes: number = storedBytes[dtype]
  for (const extent of shape) {
    bytes *= extent
    if (bytes > Number.MAX_SAFE_INTEGER) return undefined
  }
  return bytes
}
