// TensorBoard event files by hand: TFRecord framing around protobuf `Event` messages.
// Sources: tensorflow/core/lib/io/record_writer.cc, tensorflow/core/util/event.proto, framework/summary.proto.
import { InputError } from '../core/errors.ts'
import type { AppendFile } from '../io/append_file.ts'

/** Seconds since 1970; injected, because it is the only thing in these files that is not reproducible. */
export type Clock = () => number

/** A name that TensorBoard recognises. */
export const eventFileName = 'events.out.tfevents.0000000000.weft'

export interface Histogram {
  limits: readonly number[] // upper edges of the buckets, ascending
  counts: readonly number[] // one per edge
  min: number
  max: number
  sum: number
  sumSquares: number
}

/** Appends records to one event file; every record is whole or absent once `truncateEvents` has looked at the file. */
export class TensorBoardWriter {
  private constructor(private readonly file: AppendFile, private readonly clock: Clock) {}

  /** Keeps the records up to resumeStep (0: starts again). Throws InputError for a file that is no event file. */
  static async open(file: AppendFile, resumeStep: number, clock: Clock, where = eventFileName): Promise<TensorBoardWriter> {
    const bytes = await file.read()
    const keep = resumeStep === 0 ? 0 : truncateEvents(bytes, resumeStep, where)
    if (keep !== bytes.length) await file.truncate(keep)
    if (keep === 0) await file.append(frameRecord(encodeEvent({ wallTimeSec: clock(), fileVersion: 'brain.Event:2' })))
    return new TensorBoardWriter(file, clock)
  }

  /** All values of one step in one record, tags in the order given. */
  write(step: number, scalars: Readonly<Record<string, number>>, histograms: Readonly<Record<string, Histogram>> = {}): Promise<void> {
    return this.file.append(frameRecord(encodeEvent({ wallTimeSec: this.clock(), step, scalars, histograms })))
  }
}

// Protobuf: a field is its number and wire type, then the value. Wire types: 0 varint, 1 eight bytes, 2 length, 5 four bytes.

interface EventFields {
  wallTimeSec: number
  step?: number
  fileVersion?: string
  scalars?: Readonly<Record<string, number>>
  histograms?: Readonly<Record<string, Histogram>>
}

/** Event { double wall_time = 1; int64 step = 2; string file_version = 3; Summary summary = 5 }. */
export function encodeEvent(event: EventFields): Uint8Array {
  const parts = [doubleField(1, event.wallTimeSec)]
  if (event.step !== undefined) parts.push(varint(2 << 3), varint(event.step))
  if (event.fileVersion !== undefined) parts.push(lengthField(3, utf8(event.fileVersion)))
  // Summary { repeated Value value = 1 }; Value { string tag = 1; float simple_value = 2; HistogramProto histo = 5 }.
  const values = [
    ...Object.entries(event.scalars ?? {}).map(([tag, value]) => join([lengthField(1, utf8(tag)), floatField(2, value)])),
    ...Object.entries(event.histograms ?? {}).map(([tag, histogram]) => join([lengthField(1, utf8(tag)), lengthField(5, encodeHistogram(histogram))])),
  ]
  if (values.length > 0) parts.push(lengthField(5, join(values.map((value) => lengthField(1, value)))))
  return join(parts)
}

/** HistogramProto { min = 1; max = 2; num = 3; sum = 4; sum_squares = 5; packed bucket_limit = 6, bucket = 7 }, all doubles. */
function encodeHistogram(h: Histogram): Uint8Array {
  if (h.limits.length !== h.counts.length) throw new RangeError(`histogram has ${h.limits.length} limits and ${h.counts.length} counts; they must be as many`)
  const num = h.counts.reduce((a, b) => a + b, 0)
  const packed = (values: readonly number[]) => new Uint8Array(Float64Array.from(values).buffer)
  return join([
    doubleField(1, h.min), doubleField(2, h.max), doubleField(3, num), doubleField(4, h.sum), doubleField(5, h.sumSquares),
    lengthField(6, packed(h.limits)), lengthField(7, packed(h.counts)),
  ])
}

const utf8 = (text: string) => new TextEncoder().encode(text)

function varint(value: number): Uint8Array {
  const bytes: number[] = []
  let rest = value
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80)
  return Uint8Array.from([...bytes, rest])
}

function doubleField(field: number, value: number): Uint8Array {
  const bytes = new Uint8Array(9)
  bytes[0] = (field << 3) | 1
  new DataView(bytes.buffer).setFloat64(1, value, true)
  return bytes
}

function floatField(field: number, value: number): Uint8Array {
  const bytes = new Uint8Array(5)
  bytes[0] = (field << 3) | 5
  new DataView(bytes.buffer).setFloat32(1, value, true)
  return bytes
}

function lengthField(field: number, content: Uint8Array): Uint8Array {
  return join([varint((field << 3) | 2), varint(content.length), content])
}

function join(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((n, part) => n + part.length, 0))
  let at = 0
  for (const part of parts) { all.set(part, at); at += part.length }
  return all
}

/** u64 length, u32 masked CRC of the length, data, u32 masked CRC of the data; all little-endian. */
export function frameRecord(data: Uint8Array): Uint8Array {
  const record = new Uint8Array(12 + data.length + 4)
  const view = new DataView(record.buffer)
  view.setBigUint64(0, BigInt(data.length), true)
  view.setUint32(8, maskedCrc(record.subarray(0, 8)), true)
  record.set(data, 12)
  view.setUint32(12 + data.length, maskedCrc(data), true)
  return record
}

const crcTable = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1 // Castagnoli, reflected
  return crc
})

/** CRC-32C (Castagnoli). */
export function crc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff
  for (const byte of bytes) crc = crcTable[(crc ^ byte) & 0xff] ^ (crc >>> 8)
  return ~crc >>> 0
}

/** TensorFlow turns and shifts CRCs so that a CRC of data that holds CRCs stays useful. */
function maskedCrc(bytes: Uint8Array): number {
  const crc = crc32c(bytes)
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0
}

/** Length of the prefix of whole records with step <= lastStep; a torn tail is cut. Throws InputError if there is none. */
export function truncateEvents(bytes: Uint8Array, lastStep: number, where: string): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let at = 0
  while (at + 16 <= bytes.length && view.getUint32(at + 8, true) === maskedCrc(bytes.subarray(at, at + 8))) {
    const end = at + 16 + Number(view.getBigUint64(at, true))
    if (end > bytes.length) break
    const data = bytes.subarray(at + 12, end - 4)
    if (view.getUint32(end - 4, true) !== maskedCrc(data) || stepOf(data) > lastStep) break
    at = end
  }
  if (at === 0 && bytes.length > 0) throw new InputError(`${where} does not begin with a TensorBoard record; move it away or start with --fresh`)
  return at
}

/** Our events hold wall_time (9 bytes), then step if any: no general protobuf reader is needed. */
function stepOf(event: Uint8Array): number {
  if (event[9] !== 2 << 3) return 0
  let step = 0
  for (let i = 10, unit = 1; i < event.length; i++, unit *= 0x80) {
    step += (event[i] & 0x7f) * unit
    if (event[i] < 0x80) break
  }
  return step
}
