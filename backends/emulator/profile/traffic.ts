// What one warp-wide access costs: 32-byte sectors of global memory, passes over the 32 banks of shared memory.

export const SECTOR_BYTES = 32
const BANKS = 32
const WORD_BYTES = 4

export interface Sectors {
  /** Different sectors that the lanes touch: what the request moves between L1 and L2 when nothing is cached. */
  readonly sectors: number
  /** The fewest that could hold the bytes asked for, each byte once. */
  readonly ideal: number
  /** Bytes that the lanes ask for, those asked for twice counted twice. */
  readonly bytes: number
}

/** `linear[lane]`: byte offsets of `bytes` each. Calls `seen` for every different sector. */
export function sectorsOf(linear: ArrayLike<number>, mask: number, bytes: number, seen?: (sector: number) => void): Sectors {
  const sectors = new Set<number>()
  const starts = new Set<number>()
  let lanes = 0
  for (let lane = 0, m = mask; m !== 0; lane++, m >>>= 1) {
    if (!(m & 1)) continue
    lanes++
    starts.add(linear[lane])
    for (let s = Math.floor(linear[lane] / SECTOR_BYTES); s * SECTOR_BYTES < linear[lane] + bytes; s++) sectors.add(s)
  }
  if (seen) for (const s of sectors) seen(s)
  return { sectors: sectors.size, ideal: Math.ceil((starts.size * bytes) / SECTOR_BYTES), bytes: lanes * bytes }
}

export interface Passes {
  /** Times that shared memory is read or written for the request: one word of each bank at a time. */
  readonly passes: number
  /** Passes without conflicts: 1 for up to 4 bytes a lane, 2 for 8 (half warps), 4 for 16 (quarter warps), of lanes that take part. */
  readonly ideal: number
  /** Most different words of one bank in one pass's lanes: 1 is free of conflicts, 32 the worst. */
  readonly ways: number
}

/** Shared memory addresses of a request; ldmatrix asks for rows of 16 bytes, eight lanes a matrix, as a vector access does. */
export function passesOf(linear: ArrayLike<number>, mask: number, bytes: number): Passes {
  const together = bytes <= 4 ? 32 : bytes === 8 ? 16 : 8
  let passes = 0, ideal = 0, most = 0
  for (let first = 0; first < 32; first += together) {
    const words = new Set<number>()
    for (let lane = first; lane < first + together; lane++) {
      if (!((mask >>> lane) & 1)) continue
      for (let w = Math.floor(linear[lane] / WORD_BYTES); w * WORD_BYTES < linear[lane] + bytes; w++) words.add(w)
    }
    if (words.size === 0) continue
    const perBank = new Array<number>(BANKS).fill(0)
    for (const w of words) perBank[w % BANKS]++
    const ways = Math.max(...perBank)
    passes += ways
    ideal++
    most = Math.max(most, ways)
  }
  return { passes, ideal, ways: most }
}

/** A growing set of small whole numbers that knows its size. */
export class NumberSet {
  private bits = new Uint32Array(1 << 12)
  size = 0
  add(n: number): void {
    const word = n >>> 5
    if (word >= this.bits.length) {
      const more = new Uint32Array(Math.max(word + 1, this.bits.length * 2))
      more.set(this.bits)
      this.bits = more
    }
    const bit = 1 << (n & 31)
    if (this.bits[word] & bit) return
    this.bits[word] |= bit
    this.size++
  }
}
