// Structured sparse A of mma.sp and wgmma.mma_async.sp: half of its elements are stored, 4 bits of metadata say where each 4 (of .u4
// 8, of tf32 2) columns have theirs. (PTX ISA 9.7.14.6.1)
//
// Two 2-bit indices choose two of four units: an element, a pair of 4-bit elements, or half a tf32 element. Products run over all of K,
// with zeros where nothing is stored: an infinity in B makes NaN there, which the hardware, that skips such columns, does not.
import type { Memory } from '../machine.ts'
import { elementBits, type ElementName } from '../products/elements.ts'

/** Stored elements of one group of metadata: half of its columns. */
const stored = (type: ElementName): number => (type === 'tf32' ? 1 : elementBits[type] === 4 ? 4 : 2)

/**
 * The 4 bits of group `group` in row `row` of 16; `word(lane)` is a lane's metadata register. Types of 16 and 32 bits: the lanes
 * chosen of each quad have 16 bits of row g and 16 of row g + 8; smaller ones: even lanes have 32 bits of row g, odd of row g + 8.
 */
function bitsOf(type: ElementName, groups: number, selector: number, word: (lane: number) => number, row: number, group: number): number {
  const [g, half] = [row & 7, row >> 3]
  if (elementBits[type] >= 16) {
    const lanes = groups / 4
    return (word(4 * g + selector * lanes + (group >> 2)) >>> (16 * half + 4 * (group & 3))) & 15
  }
  return (word(4 * g + 2 * (groups === 8 ? selector : group >> 3) + half) >>> (4 * (group & 7))) & 15
}

/** Values of the selector, by how many lanes of a quad have metadata. */
export function selectors(type: ElementName, K: number): number {
  const bitsOfRows = (2 * K) / stored(type) * 2
  return 4 / Math.max(1, bitsOfRows / 32)
}

/** A panel [rows, K / 2] of stored elements becomes [rows, K] with zeros between; metadata of 16 rows at a time. */
export function spreadRows({ f32 }: Memory, type: ElementName, from: number, to: number, K: number, selector: number, word: (lane: number) => number): void {
  const each = stored(type)
  const groups = K / (2 * each)
  f32.fill(0, to >> 2, (to >> 2) + 16 * K)
  for (let row = 0; row < 16; row++) for (let group = 0; group < groups; group++) {
    const bits = bitsOf(type, groups, selector, word, row, group)
    const source = (from >> 2) + row * (K / 2) + group * each
    const target = (to >> 2) + row * K + group * 2 * each
    if (each === 1) f32[target + ((bits & 3) >> 1)] = f32[source]
    else for (let i = 0; i < 2; i++) for (let e = 0; e < each / 2; e++) f32[target + ((bits >> (2 * i)) & 3) * (each / 2) + e] = f32[source + (i * each) / 2 + e]
  }
}
