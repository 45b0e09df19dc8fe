// The box of one tensor copy: where its elements lie in the tensor and in shared memory (PTX ISA 5.5; ptx-isa-notes 2.4).
// In shared memory rows stand one behind the other, the innermost dimension first; swizzling then moves 16-byte pieces.
import type { Memory } from '../machine.ts'
import { flushSubnormal } from '../numeric/small_float.ts'
import type { TensorMap } from '../tensor_map.ts'

export interface Box {
  readonly map: TensorMap
  /** Elements along each dimension, and the range of them that lies in the tensor. */
  readonly counts: readonly number[]
  readonly first: readonly number[]
  readonly end: readonly number[]
  /** Linear place of element 0 of the box, which may lie outside, and the bytes from one element to the next. */
  readonly origin: number
  readonly steps: readonly number[]
  readonly rowBytes: number
  /** Of the whole box, in shared memory too: what complete_tx counts. */
  readonly bytes: number
  /** No element lies in the tensor; every one does. */
  readonly empty: boolean
  readonly whole: boolean
}

export function boxAt(map: TensorMap, coordinates: readonly number[]): Box {
  const counts: number[] = [], first: number[] = [], end: number[] = [], steps: number[] = []
  let origin = map.low
  for (let i = 0; i < map.rank; i++) {
    const [c, step, size] = [coordinates[i], map.elementStrides[i], map.dims[i]]
    const n = Math.ceil(map.box[i] / step)
    counts.push(n)
    first.push(Math.min(n, Math.max(0, Math.ceil(-c / step))))
    end.push(Math.max(0, Math.min(n, Math.ceil((size - c) / step))))
    steps.push(map.strides[i] * step)
    origin += c * map.strides[i]
  }
  const rowBytes = counts[0] * map.type.unit
  return {
    map, counts, first, end, origin, steps, rowBytes, bytes: counts.reduce((product, n) => product * n, map.type.unit),
    empty: first.some((f, i) => f >= end[i]), whole: first.every((f, i) => f === 0 && end[i] === counts[i]),
  }
}

/** First byte and end of what the box touches in the tensor. */
export function extentOf({ map, first, end, origin, steps }: Box): readonly [start: number, end: number] {
  let [low, high] = [origin, origin + map.type.unit]
  steps.forEach((step, i) => { low += first[i] * step; high += (end[i] - 1) * step })
  return [low, high]
}

/** The piece of 16 bytes within its span changes with the row of 128 bytes that the address lies in. */
export const swizzled = (address: number, mode: number): number => address ^ (((address >>> 7) & ((1 << mode) - 1)) << 4)

/** Bytes of shared memory from its beginning on that the box may touch: swizzling stays within whole spans. */
export const sharedSpan = ({ bytes, map }: Box): number => { const span = map.swizzle === 0 ? 16 : 16 << map.swizzle; return Math.ceil(bytes / span) * span }

/** Calls f for each run of bytes that lies in the tensor: its places there and in shared memory. */
export function eachRun(box: Box, shared: number, f: (global: number, shared: number, bytes: number) => void): void {
  if (box.empty) return
  const { map, counts, first, end, origin, steps, rowBytes } = box
  const [left, right] = [first[0] * map.type.unit, end[0] * map.type.unit]
  const at = first.slice()
  for (;;) {
    let [row, place] = [0, origin + left]
    for (let i = map.rank - 1; i > 0; i--) { row = row * counts[i] + at[i]; place += at[i] * steps[i] }
    const start = shared + row * rowBytes
    if (map.swizzle === 0) f(place, start + left, right - left)
    else {
      for (let x = left; x < right;) {
        const next = Math.min(right, (x & ~15) + 16)
        f(place + x - left, swizzled(start + x, map.swizzle), next - x)
        x = next
      }
    }
    let i = 1
    while (i < map.rank && ++at[i] >= end[i]) { at[i] = first[i]; i++ }
    if (i >= map.rank) return
  }
}

function copyRun({ u8, u32 }: Memory, to: number, from: number, bytes: number): void {
  if (bytes !== 16 || ((to | from) & 3) !== 0) { u8.copyWithin(to, from, from + bytes); return }
  const [d, a] = [to >>> 2, from >>> 2]
  u32[d] = u32[a]; u32[d + 1] = u32[a + 1]; u32[d + 2] = u32[a + 2]; u32[d + 3] = u32[a + 3]
}

/** From the tensor to shared memory; what lies outside becomes zero or NaN. */
export function loadBox(memory: Memory, box: Box, shared: number): void {
  if (!box.whole) fill(memory, box, shared)
  const convert = conversions[box.map.type.name]
  eachRun(box, shared, (global, place, bytes) => {
    copyRun(memory, place, global, bytes)
    if (convert) for (let word = place >> 2, last = (place + bytes) >> 2; word < last; word++) convert(memory, word)
  })
}

/** From shared memory to the tensor; what lies outside is dropped. */
export function storeBox(memory: Memory, box: Box, shared: number): void {
  eachRun(box, shared, (global, place, bytes) => copyRun(memory, global, place, bytes))
}

/** The canonical NaN of each size: the ISA calls the constant special and does not give it. */
function fill({ u8, u16, u32 }: Memory, { map, bytes }: Box, shared: number): void {
  // Swizzling permutes pieces within whole spans only: with part of a span, piece by piece.
  const pieces = (write: (place: number) => void) => { for (let x = 0; x < bytes; x += 16) write(map.swizzle === 0 ? shared + x : swizzled(shared + x, map.swizzle)) }
  if (!map.oobNan) pieces((place) => u8.fill(0, place, place + 16))
  else if (map.type.unit === 2) pieces((place) => u16.fill(0x7fff, place >> 1, (place >> 1) + 8))
  else if (map.type.unit === 4) pieces((place) => u32.fill(0x7fffffff, place >> 2, (place >> 2) + 4))
  else pieces((place) => { for (let i = 0; i < 4; i++) u32[(place >> 2) + i] = i & 1 ? 0x7fffffff : 0xffffffff })
}

const flush = ({ f32 }: Memory, word: number) => { f32[word] = flushSubnormal(f32[word]) }
/** To 10 bits of fraction, to the nearest, ties to even; NaN and infinities stay. */
function roundTf32({ u32 }: Memory, word: number): void {
  const x = u32[word]
  if ((x & 0x7f800000) === 0x7f800000) return
  u32[word] = (x + 0xfff + ((x >>> 13) & 1)) & 0xffffe000
}
/** Element types that loads change: on words in place. */
const conversions: Readonly<Partial<Record<string, (memory: Memory, word: number) => void>>> = {
  FLOAT32_FTZ: flush, TFLOAT32: roundTf32, TFLOAT32_FTZ(memory, word) { flush(memory, word); roundTf32(memory, word) },
}

/** Runs in the tensor, joined where they meet. */
export function globalRuns(box: Box): { start: number; bytes: number }[] {
  const runs: { start: number; bytes: number }[] = []
  eachRun(box, 0, (start, _, bytes) => {
    const last = runs.at(-1)
    if (last && last.start + last.bytes === start) last.bytes += bytes
    else runs.push({ start, bytes })
  })
  return runs
}

/** Runs in shared memory that belong to elements in the tensor. */
export function sharedRuns(box: Box, shared: number): { start: number; bytes: number }[] {
  if (box.whole && sharedSpan(box) === box.bytes) return [{ start: shared, bytes: box.bytes }]
  const pieces: { start: number; bytes: number }[] = []
  eachRun(box, shared, (_, start, bytes) => { pieces.push({ start, bytes }) })
  pieces.sort((a, b) => a.start - b.start)
  const runs: { start: number; bytes: number }[] = []
  for (const piece of pieces) {
    const last = runs.at(-1)
    if (last && last.start + last.bytes === piece.start) last.bytes += piece.bytes
    else runs.push({ ...piece })
  }
  return runs
}
