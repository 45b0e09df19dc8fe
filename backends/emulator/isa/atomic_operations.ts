// What one atomic does to one element in memory, in place. Places are byte offsets in linear memory: of the element, of the
// operand b and, for compare-and-swap, of the new value c (b: what is expected).
import type { Memory } from '../machine.ts'
import { f32Bits } from '../numeric/round.ts'
import { decodeFloat, encodeFloat, flushSubnormal, formats, sumToOdd } from '../numeric/small_float.ts'

export type AtomicName = 'add' | 'min' | 'max' | 'and' | 'or' | 'xor' | 'exch' | 'cas' | 'inc' | 'dec'
export type AtomicType = 'b16' | 'b32' | 'b64' | 'b128' | 'u32' | 's32' | 'u64' | 's64' | 'f32' | 'f64' | 'f16' | 'bf16' | 'f16x2' | 'bf16x2'
export type AtomicOperation = (memory: Memory, at: number, b: number, c: number) => void

const words: Readonly<Partial<Record<AtomicName, (old: number, b: number) => number>>> = {
  add: (x, y) => (x + y) | 0, and: (x, y) => x & y, or: (x, y) => x | y, xor: (x, y) => x ^ y, min: Math.min, max: Math.max,
  // Counters from 0 to b: inc gives 0 from b on, dec gives b at 0 and above b.
  inc: (x, y) => (x >= y ? 0 : x + 1), dec: (x, y) => (x === 0 || x > y ? y : x - 1),
}
const longs: Readonly<Partial<Record<AtomicName, (old: bigint, b: bigint) => bigint>>> = {
  add: (x, y) => x + y, and: (x, y) => x & y, or: (x, y) => x | y, xor: (x, y) => x ^ y, min: (x, y) => (y < x ? y : x), max: (x, y) => (y > x ? y : x),
}

type Half = 'f16' | 'bf16'

/** b is in its own slot, or, packed, in one half of it: the same function works on both. */
function halves(name: AtomicName, type: Half): (old: number, b: number) => number {
  const f = formats[type]
  if (name === 'add') return (x, y) => encodeFloat(sumToOdd(decodeFloat(x, f), decodeFloat(y, f)), f)
  const larger = name === 'max'
  // As min and max do: a number wins over NaN, and -0 is below +0.
  return (x, y) => {
    const [p, q] = [decodeFloat(x, f), decodeFloat(y, f)]
    if (p !== p) return q !== q ? f.nan : y
    if (q !== q) return x
    const second = p === q ? Object.is(p, -0) === larger : q > p === larger
    return second ? y : x
  }
}

/** `flushes`: f32 subnormals count as zeros. */
export function operationOf(name: AtomicName, type: AtomicType, flushes: boolean): AtomicOperation {
  switch (type) {
    case 'f16': case 'bf16': {
      const f = halves(name, type)
      return ({ u16 }, at, b) => { u16[at >>> 1] = f(u16[at >>> 1], u16[b >>> 1]) }
    }
    case 'f16x2': case 'bf16x2': {
      const f = halves(name, type.slice(0, -2) as Half)
      return ({ u16 }, at, b) => { for (let i = 0; i < 2; i++) u16[(at >>> 1) + i] = f(u16[(at >>> 1) + i], u16[(b >>> 1) + i]) }
    }
    case 'f32': return ({ f32, i32 }, at, b) => {
      const [x, y] = [f32[at >>> 2], f32[b >>> 2]]
      const sum = flushes ? flushSubnormal(Math.fround(flushSubnormal(x) + flushSubnormal(y))) : Math.fround(x + y)
      i32[at >>> 2] = f32Bits(sum)
    }
    case 'f64': return ({ f64 }, at, b) => { f64[at >>> 3] = f64[at >>> 3] + f64[b >>> 3] }
    case 'u64': case 's64': case 'b64': {
      if (name === 'exch' || name === 'cas') return bits(name, 4, 2)
      const f = longs[name]!
      if (type === 's64') return ({ i64 }, at, b) => { i64[at >>> 3] = f(i64[at >>> 3], i64[b >>> 3]) }
      return ({ u64 }, at, b) => { u64[at >>> 3] = f(u64[at >>> 3], u64[b >>> 3]) }
    }
    case 'b128': return bits(name, 4, 4)
    case 'b16': return bits(name, 2, 1)
    default: {
      if (name === 'exch' || name === 'cas') return bits(name, 4, 1)
      const f = words[name]!
      if (type === 's32') return ({ i32 }, at, b) => { i32[at >>> 2] = f(i32[at >>> 2], i32[b >>> 2]) }
      return ({ u32 }, at, b) => { u32[at >>> 2] = f(u32[at >>> 2], u32[b >>> 2]) }
    }
  }
}

/** exch and cas of `count` pieces of 2 or 4 bytes. */
function bits(name: AtomicName, piece: 2 | 4, count: number): AtomicOperation {
  const shift = piece === 2 ? 1 : 2
  const view = (memory: Memory) => (piece === 2 ? memory.u16 : memory.u32)
  if (name === 'exch') return (memory, at, b) => { const v = view(memory); for (let i = 0; i < count; i++) v[(at >>> shift) + i] = v[(b >>> shift) + i] }
  return (memory, at, b, c) => {
    const v = view(memory)
    for (let i = 0; i < count; i++) if (v[(at >>> shift) + i] !== v[(b >>> shift) + i]) return
    for (let i = 0; i < count; i++) v[(at >>> shift) + i] = v[(c >>> shift) + i]
  }
}
