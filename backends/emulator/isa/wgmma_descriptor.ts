// Matrix descriptors of wgmma: where the pieces of 16 bytes of an operand lie in shared memory. (PTX ISA 9.7.15.5; ptx-isa-notes 2.1)
import type { AsyncRange, Cta } from '../machine.ts'

/** `k`: rows of A and columns of B are contiguous along K; `mn`: the transposed operand, contiguous along M or N. */
export type Major = 'k' | 'mn'

interface Layout {
  readonly start: number
  /** Leading and stride byte offsets. */
  readonly leading: number
  readonly stride: number
  /** Bytes of one row of a swizzled block; 0: not swizzled. */
  readonly span: number
  /** Which 16-byte columns are exchanged: bits 4 to 6, by the row's bits from 7 on. */
  readonly mask: number
  /** Rows by which the pattern is shifted, when it does not begin at a multiple of its size. */
  readonly phase: number
}

/** By bits 62-63; not the numbers that tensor maps use. */
const spans = [0, 128, 64, 32]

function layoutOf(low: number, high: number): Layout {
  const span = spans[high >>> 30]
  return { start: (low & 0x3fff) << 4, leading: ((low >>> 16) & 0x3fff) << 4, stride: (high & 0x3fff) << 4, span, mask: span === 0 ? 0 : span / 16 - 1, phase: (high >>> 17) & 7 }
}

/** Offset of piece `p` of row `row` (K-major), or of piece `p` along M or N in row `row` of K, before swizzling. */
function unswizzled({ leading, stride, span }: Layout, major: Major, row: number, p: number): number {
  const [inside, block] = [row & 7, row >> 3]
  if (span === 0) return major === 'k' ? inside * 16 + block * stride + p * leading : inside * 16 + block * leading + p * stride
  const across = span / 16
  const along = (p % across) * 16 + Math.floor(p / across) * leading
  return inside * span + block * stride + along
}

/** Pieces of one operand in the order in which they are unpacked: all of row 0, all of row 1 ... */
export interface Pieces {
  readonly offsets: Uint32Array
  /** First byte behind the last piece. */
  readonly end: number
  /** What is read, for the sanitizer. */
  ranges(cta: Cta): AsyncRange[]
}

/** `rows` rows (of K where `major` is `mn`) of `along` pieces. */
function piecesOf(low: number, high: number, major: Major, rows: number, along: number): Pieces {
  const layout = layoutOf(low, high)
  const offsets = new Uint32Array(rows * along)
  for (let row = 0; row < rows; row++) {
    for (let p = 0; p < along; p++) {
      const at = layout.start + unswizzled(layout, major, row, p)
      // The pattern is one of addresses, not of rows.
      offsets[row * along + p] = at ^ ((((at >> 7) - layout.phase) & layout.mask) << 4)
    }
  }
  return new OffsetPieces(offsets)
}

class OffsetPieces implements Pieces {
  readonly end: number
  private spans: [number, number][] | undefined
  constructor(readonly offsets: Uint32Array) { this.end = offsets.reduce((most, at) => Math.max(most, at), 0) + 16 }
  ranges(cta: Cta): AsyncRange[] {
    this.spans ??= joined(this.offsets)
    return this.spans.map(([start, bytes]) => ({ space: 'shared', kind: 'read', cta, start: cta.sharedBase + start, bytes }))
  }
}

/** Contiguous ranges of pieces. */
function joined(offsets: Uint32Array): [start: number, bytes: number][] {
  const all: [number, number][] = []
  for (const at of offsets.slice().sort()) {
    const last = all[all.length - 1]
    if (last && at <= last[0] + last[1]) last[1] = Math.max(last[1], at + 16 - last[0])
    else all.push([at, 16])
  }
  return all
}

const kept = 512

/** The pieces of one operand of one instruction, for each descriptor it has met: loops come back to the same few. */
export class SharedOperand {
  private readonly known = new Map<number, { high: number; pieces: Pieces }>()
  constructor(readonly major: Major, private readonly rows: number, private readonly along: number) {}

  pieces(low: number, high: number): Pieces {
    const found = this.known.get(low)
    if (found?.high === high) return found.pieces
    if (this.known.size >= kept) this.known.clear()
    const pieces = piecesOf(low, high, this.major, this.rows, this.along)
    this.known.set(low, { high, pieces })
    return pieces
  }

  private readonly ofWarps = new WeakMap<Pieces, Pieces[]>()
  /** What warp `index` of the four reads of A [64, K]: 16 rows. */
  rowsOf(pieces: Pieces, index: number): Pieces {
    let all = this.ofWarps.get(pieces)
    if (!all) {
      const { major, along } = this
      // Transposed, a row of K has `along` pieces over M.
      const mine = (i: number, warp: number) => (major === 'k' ? Math.floor(i / along) >> 4 : Math.floor(((i % along) * 4) / along)) === warp
      all = [0, 1, 2, 3].map((warp) => new OffsetPieces(pieces.offsets.filter((_, i) => mine(i, warp))))
      this.ofWarps.set(pieces, all)
    }
    return all[index]
  }
}
