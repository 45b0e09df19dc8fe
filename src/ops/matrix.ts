// The one matrix product behind every matrix op's reference: float64, 4 x 4 register blocks over packed panels, summed in
// order of k. Plain loops reach about 1 GFLOP/s, this about 3, and the model trains on it when there is no WebGPU.
import type { DType, Numbers } from '../core/dtype.ts'

/** A matrix inside an array: element (i, k) is at `at + i * row + k * step`. */
export interface Strided { data: Numbers; at: number; row: number; step: number }

const columnBlock = 256
let panelA = new Float64Array(0)
let panelB = new Float64Array(0)

/** out[outAt + i * N + j] = sum over k < K of a(i, k) * b(j, k), for i < M and j < N. */
export function multiply(out: Numbers, outAt: number, M: number, N: number, K: number, a: Strided, b: Strided): void {
  if (panelA.length < 4 * K) panelA = new Float64Array(4 * K)
  if (panelB.length < columnBlock * K) panelB = new Float64Array(columnBlock * K)
  const block = new Float64Array(16)
  for (let n0 = 0; n0 < N; n0 += columnBlock) {
    const numColumns = Math.min(columnBlock, N - n0)
    for (let j = 0; j < numColumns; j += 4) pack(panelB, j * K, b, n0 + j, numColumns - j, K)
    for (let i = 0; i < M; i += 4) {
      pack(panelA, 0, a, i, M - i, K)
      for (let j = 0; j < numColumns; j += 4) {
        dot4x4(block, panelA, panelB, j * K, K)
        const rows = Math.min(4, M - i), columns = Math.min(4, numColumns - j)
        for (let r = 0; r < rows; r++) {
          const to = outAt + (i + r) * N + n0 + j
          for (let c = 0; c < columns; c++) out[to + c] = block[r * 4 + c]
        }
      }
    }
  }
}

/** Four rows (zeros beyond `left`) as [K][4]. */
function pack(panel: Float64Array, to: number, { data, at, row, step }: Strided, i: number, left: number, K: number): void {
  for (let r = 0; r < 4; r++) {
    let from = at + (i + r) * row
    const end = to + 4 * K
    if (r >= left) for (let p = to + r; p < end; p += 4) panel[p] = 0
    else for (let p = to + r; p < end; p += 4, from += step) panel[p] = data[from]
  }
}

function dot4x4(block: Float64Array, pa: Float64Array, pb: Float64Array, bAt: number, K: number): void {
  // Two passes of 4 x 2: eight sums and six loaded values stay in the 16 registers, sixteen sums would not.
  for (let half = 0; half < 4; half += 2) {
    let s00 = 0, s01 = 0, s10 = 0, s11 = 0, s20 = 0, s21 = 0, s30 = 0, s31 = 0
    for (let k = 0, q = bAt + half; k < 4 * K; k += 4, q += 4) {
      const b0 = pb[q], b1 = pb[q + 1]
      const a0 = pa[k], a1 = pa[k + 1], a2 = pa[k + 2], a3 = pa[k + 3]
      s00 += a0 * b0; s01 += a0 * b1
      s10 += a1 * b0; s11 += a1 * b1
      s20 += a2 * b0; s21 += a2 * b1
      s30 += a3 * b0; s31 += a3 * b1
    }
    block[half] = s00; block[half + 1] = s01
    block[half + 4] = s10; block[half + 5] = s11
    block[half + 8] = s20; block[half + 9] = s21
    block[half + 12] = s30; block[half + 13] = s31
  }
}

/** Bound of |error| / max |value| of float32 dot products of K terms, stored as `out`. */
export const dotTolerance = (K: number, out: DType) => (out === 'bf16' ? 2 ** -7 : 0) + 6e-8 * Math.max(16, 2 * Math.sqrt(K))
export const dotToleranceReason = 'float32 sums of K products, rounding errors of both signs; bf16 outputs may differ by one unit in the last place'
