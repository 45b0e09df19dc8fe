// Counter-based random numbers: Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC11).
// A number is a function of (seed, stream name, index): no state to save, any order, any split over ranks.

/** Four 32-bit words of Philox4x32-10; key and counter words are taken modulo 2^32. */
export function philox(key: readonly [number, number], counter: readonly [number, number, number, number]): [number, number, number, number] {
  const out = new Uint32Array(4)
  philoxInto(out, key[0], key[1], counter[0], counter[1], counter[2], counter[3])
  return [out[0], out[1], out[2], out[3]]
}

function philoxInto(out: Uint32Array, k0: number, k1: number, c0: number, c1: number, c2: number, c3: number): void {
  for (let round = 0; round < 10; round++) {
    const high0 = mulHigh(0xd2511f53, c0)
    const high1 = mulHigh(0xcd9e8d57, c2)
    const low0 = Math.imul(0xd2511f53, c0)
    const low1 = Math.imul(0xcd9e8d57, c2)
    c0 = high1 ^ c1 ^ k0
    c1 = low1
    c2 = high0 ^ c3 ^ k1
    c3 = low0
    k0 = (k0 + 0x9e3779b9) | 0 // Weyl steps: golden ratio, sqrt(3) - 1
    k1 = (k1 + 0xbb67ae85) | 0
  }
  out[0] = c0; out[1] = c1; out[2] = c2; out[3] = c3
}

/** High 32 bits of a 32 x 32 bit product, from 16-bit halves: a double holds only 53 bits of it. */
function mulHigh(a: number, b: number): number {
  const aLow = a & 0xffff, aHigh = a >>> 16
  const bLow = b & 0xffff, bHigh = b >>> 16
  const middle = aHigh * bLow + ((aLow * bLow) >>> 16) // < 2^32: exact
  const other = aLow * bHigh + (middle & 0xffff)
  return (aHigh * bHigh + Math.floor(middle / 65536) + Math.floor(other / 65536)) | 0
}

/**
 * Where a named stream lives: the seed is one key word; the name's 96-bit hash fills the other and half of the counter,
 * so that the 45,000 tensor names of a large model do not meet.
 */
interface Stream { k0: number; k1: number; c2: number; c3: number }

function openStream(seed: number, name: string): Stream {
  return { k0: seed | 0, k1: hashName(name, 0x811c9dc5), c2: hashName(name, 0x9e3779b9), c3: hashName(name, 0x85ebca6b) }
}

/** FNV-1a over UTF-16 units from a given basis, then murmur3's finaliser: near names, far hashes. */
function hashName(name: string, basis: number): number {
  let h = basis
  for (let i = 0; i < name.length; i++) {
    const unit = name.charCodeAt(i)
    h = Math.imul(h ^ (unit & 0xff), 0x01000193)
    h = Math.imul(h ^ (unit >>> 8), 0x01000193)
  }
  return mix(h ^ name.length)
}

function mix(h: number): number {
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return h ^ (h >>> 16)
}

/** The four words of block `block` (an integer below 2^53) of a stream. */
function blockInto(out: Uint32Array, s: Stream, block: number): void {
  philoxInto(out, s.k0, s.k1, block | 0, Math.floor(block / 2 ** 32) | 0, s.c2, s.c3)
}

/** Number `index` of a stream, uniform in [0, 1) with 24 bits: exact in float32. */
export function uniform(seed: number, stream: string, index: number): number {
  const words = new Uint32Array(4)
  blockInto(words, openStream(seed, stream), Math.floor(index / 4))
  return (words[index % 4] >>> 8) / 2 ** 24
}

/** Number `index` of a stream, standard normal rounded to float32; the same numbers as `fillNormal` with std 1. */
export function normal(seed: number, stream: string, index: number): number {
  const out = new Float32Array(1)
  fillNormal(out, seed, stream, 1, index)
  return out[0]
}

/**
 * out[i] = std * number (start + i) of the stream's standard normals, Box-Muller in float64, rounded once to float32.
 * Any slice equals that slice of the whole: ranks fill their own shard.
 */
export function fillNormal(out: Float32Array, seed: number, stream: string, std: number, start = 0): void {
  const s = openStream(seed, stream)
  const words = new Uint32Array(4)
  const four = new Float64Array(4)
  let block = -1
  for (let i = 0; i < out.length; i++) {
    const index = start + i
    if (Math.floor(index / 4) !== block) {
      block = Math.floor(index / 4)
      blockInto(words, s, block)
      boxMuller(four, 0, words[0], words[1])
      boxMuller(four, 2, words[2], words[3])
    }
    out[i] = std * four[index % 4]
  }
}

function boxMuller(out: Float64Array, at: number, a: number, b: number): void {
  const u = ((a >>> 8) + 0.5) / 2 ** 24 // never 0: the logarithm stays finite, |normal| < 5.9
  const radius = Math.sqrt(-2 * Math.log(u))
  const angle = (2 * Math.PI * (b >>> 8)) / 2 ** 24
  out[at] = radius * Math.cos(angle)
  out[at + 1] = radius * Math.sin(angle)
}

const FEISTEL_ROUNDS = 8

/**
 * A pseudo-random permutation of 0..n-1 (n below 2^52) as a function, in constant memory: a Feistel network over the
 * next power of four; results outside go round again until they land inside (at most 4 rounds on average).
 * Throws RangeError for an index outside.
 */
export function permutation(n: number, seed: number, stream: string): (index: number) => number {
  if (!Number.isSafeInteger(n) || n < 1 || n > 2 ** 52) throw new RangeError(`permutation: n is ${n}; it must be an integer from 1 to 2^52`)
  let half = 1
  while (4 ** half < n) half++
  const side = 2 ** half
  const s = openStream(seed, stream)
  const keys = new Uint32Array(FEISTEL_ROUNDS)
  for (let block = 0; block < FEISTEL_ROUNDS / 4; block++) blockInto(keys.subarray(4 * block), s, block)
  return (index) => {
    if (!Number.isSafeInteger(index) || index < 0 || index >= n) throw new RangeError(`permutation: index is ${index}; it must be an integer from 0 to ${n - 1}`)
    let value = index
    do {
      let left = Math.floor(value / side)
      let right = value % side
      for (let round = 0; round < FEISTEL_ROUNDS; round++) {
        // The top bits of the mixed word: the low ones are weaker.
        const f = mix((right ^ keys[round]) + Math.imul(round, 0x9e3779b9)) >>> (32 - half)
        const next = (left ^ f) >>> 0
        left = right
        right = next
      }
      value = left * side + right
    } while (value >= n)
    return value
  }
}
