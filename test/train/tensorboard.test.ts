import { describe, expect, it } from 'vitest'
import { InputError } from '../../src/core/errors.ts'
import { crc32c, encodeEvent, frameRecord, TensorBoardWriter, truncateEvents } from '../../src/train/tensorboard.ts'
import { MemoryAppend } from '../support/memory_append.ts'

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')

/** An independent reader of protobuf: [field, value] pairs, values as numbers or bytes. */
function fields(bytes: Uint8Array): [number, number | Uint8Array][] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const out: [number, number | Uint8Array][] = []
  let at = 0
  const varint = () => { let value = 0, unit = 1; for (;;) { const byte = bytes[at++]; value += (byte & 127) * unit; unit *= 128; if (byte < 128) return value } }
  while (at < bytes.length) {
    const key = varint()
    const type = key & 7
    if (type === 0) out.push([key >> 3, varint()])
    else if (type === 1) { out.push([key >> 3, view.getFloat64(at, true)]); at += 8 }
    else if (type === 5) { out.push([key >> 3, view.getFloat32(at, true)]); at += 4 }
    else { const size = varint(); out.push([key >> 3, bytes.subarray(at, at + size)]); at += size }
  }
  return out
}

function records(bytes: Uint8Array): Uint8Array[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const out: Uint8Array[] = []
  for (let at = 0; at < bytes.length;) {
    const size = Number(view.getBigUint64(at, true))
    out.push(bytes.subarray(at + 12, at + 12 + size))
    at += size + 16
  }
  return out
}

describe('framing', () => {
  it('has the CRC-32C of RFC 3720', () => {
    expect(crc32c(new TextEncoder().encode('123456789'))).toBe(0xe3069283)
    expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa)
    expect(crc32c(new Uint8Array(32).fill(0xff))).toBe(0x62a8ab43)
  })

  it('begins as every TensorFlow event file does', () => {
    const first = frameRecord(encodeEvent({ wallTimeSec: 1.5e9, fileVersion: 'brain.Event:2' }))
    expect(hex(first.subarray(0, 12))).toBe('1800000000000000a37f4b22') // 24 bytes and their masked CRC
    expect(hex(first.subarray(12, -4))).toBe('09' + '000000c00b5ad641' + '1a0d' + hex(new TextEncoder().encode('brain.Event:2')))
  })
})

describe('events', () => {
  it('hold wall time, step, scalars', () => {
    const event = fields(encodeEvent({ wallTimeSec: 12.5, step: 300, scalars: { loss: 2.5, 'grad/norm': 0.1 } }))
    expect(event.slice(0, 2)).toEqual([[1, 12.5], [2, 300]])
    const values = fields(event[2][1] as Uint8Array).map(([field, value]) => [field, fields(value as Uint8Array).map(([f, v]) => (typeof v === 'number' ? [f, v] : [f, Buffer.from(v).toString()]))])
    expect(values).toEqual([[1, [[1, 'loss'], [2, 2.5]]], [1, [[1, 'grad/norm'], [2, Math.fround(0.1)]]]])
  })

  it('hold histograms', () => {
    const histogram = { limits: [1, 2], counts: [3, 4], min: 0.5, max: 2, sum: 9, sumSquares: 14 }
    const [, value] = fields(fields(fields(encodeEvent({ wallTimeSec: 0, step: 1, histograms: { load: histogram } }))[2][1] as Uint8Array)[0][1] as Uint8Array)
    const histo = fields(value[1] as Uint8Array)
    expect(value[0]).toBe(5)
    expect(histo.slice(0, 5)).toEqual([[1, 0.5], [2, 2], [3, 7], [4, 9], [5, 14]])
    expect(histo.slice(5).map(([field, bytes]) => [field, [...new Float64Array((bytes as Uint8Array).slice().buffer)]])).toEqual([[6, [1, 2]], [7, [3, 4]]])
    expect(() => encodeEvent({ wallTimeSec: 0, histograms: { load: { ...histogram, counts: [1] } } })).toThrow(RangeError)
  })
})

describe('TensorBoardWriter', () => {
  const write = async (file: MemoryAppend, resume: number, last: number) => {
    const writer = await TensorBoardWriter.open(file, resume, () => 1e9)
    for (let step = resume + 1; step <= last; step++) await writer.write(step, { loss: 1 / step })
  }
  const stepsOf = (bytes: Uint8Array) => records(bytes).map((record) => fields(record).find(([field]) => field === 2)?.[1])

  it('appends records and resumes after a step, with the same bytes', async () => {
    const whole = new MemoryAppend()
    await write(whole, 0, 200)
    expect(stepsOf(whole.bytes)).toEqual([undefined, ...Array.from({ length: 200 }, (_, i) => i + 1)])
    const file = new MemoryAppend()
    await write(file, 0, 150)
    await file.truncate(file.bytes.length - 3) // torn by a crash
    await write(file, 130, 200)
    expect(file.bytes).toEqual(whole.bytes)
  })

  it('starts again at step 0', async () => {
    const file = new MemoryAppend()
    await write(file, 0, 5)
    await write(file, 0, 2)
    expect(stepsOf(file.bytes)).toEqual([undefined, 1, 2])
  })

  it('cuts at the first damaged record and refuses a file that is none', async () => {
    const file = new MemoryAppend()
    await write(file, 0, 5)
    const damaged = file.bytes.slice()
    damaged[damaged.length - 6] ^= 1
    expect(truncateEvents(damaged, 9, 'f')).toBe(truncateEvents(file.bytes, 4, 'f'))
    expect(() => truncateEvents(new TextEncoder().encode('this is not an event file'), 9, 'f')).toThrow(InputError)
    expect(truncateEvents(new Uint8Array(0), 9, 'f')).toBe(0)
  })
})
