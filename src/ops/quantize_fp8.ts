// quantize_fp8: q = e4m3(x / scale), scale = max(amax, 1e-4) / 448 of each tile; DeepSeek-V3's fine-grained recipe. [deepseek-v3.md §2]
// Bytes and scales are bit-equal on every backend. A NaN makes its whole tile NaN; an infinity becomes NaN and its tile's rest zero.
import { toE4m3, e4m3Values, type Numbers } from '../core/dtype.ts'
import { defineOp } from '../core/op.ts'
import { need, spec, type Shape } from '../core/shape.ts'
import type { Tensor } from '../core/tensor.ts'

/** 1x128: along K. 128x128: blocks. 128x1: along M, and q comes out transposed, so that its tiles are 1x128. */
export type Fp8Tile = '1x128' | '128x1' | '128x128'
export interface QuantizeFp8Attrs {
  readonly [key: string]: string | boolean | number
  readonly tile: Fp8Tile
  /** Scales rounded up to powers of two (ue8m0, DeepSeek-V3.1). */
  readonly pow2: boolean
  /** 128x128 only: x is a stack of matrices of this many rows, which no block straddles; 0: one matrix. */
  readonly groupRows: number
}

/** Rows of scales for M rows in stacked groups of `groupRows` (0: one group), blocks of 128. */
export const numBlockRows = (M: number, groupRows: number) =>
  groupRows > 0 ? (M / groupRows) * Math.ceil(groupRows / 128) : Math.ceil(M / 128)

export function fp8Shapes(x: Shape, tile: Fp8Tile, groupRows: number): { q: Shape; scale: Shape } {
  const [M, K] = x
  switch (tile) {
    case '1x128': return { q: [M, K], scale: [M, Math.ceil(K / 128)] }
    case '128x1': return { q: [K, M], scale: [K, Math.ceil(M / 128)] }
    case '128x128': return { q: [M, K], scale: [numBlockRows(M, groupRows), Math.ceil(K / 128)] }
  }
}

export const quantize_fp8 = defineOp<QuantizeFp8Attrs>({
  name: 'quantize_fp8',
  args: [['x', 'in'], ['q', 'out'], ['scale', 'out']],
  infer({ x }, { tile, groupRows }) {
    need(x.shape.length === 2 && (x.dtype === 'f32' || x.dtype === 'bf16'), 'quantize_fp8', 'x', x, '[M, K] f32 or bf16')
    const whole = groupRows === 0 || (tile === '128x128' && groupRows > 0 && x.shape[0] % groupRows === 0)
    need(whole, 'quantize_fp8', 'x', x, `rows in whole groups of ${groupRows}, and groups only with tile 128x128 (it is ${tile})`)
    const { q, scale } = fp8Shapes(x.shape, tile, groupRows)
    return { q: spec('e4m3', q), scale: spec('f32', scale) }
  },
  reference({ x, q, scale }, { tile, pow2, groupRows }) {
    const [M, K] = x.shape
    const groups = groupRows > 0 ? M / groupRows : 1, rows = M / groups
    const tileRows = tile === '1x128' ? 1 : 128, tileColumns = tile === '128x1' ? 1 : 128
    let numTiles = 0
    const quantizeTile = (m0: number, m1: number, k0: number, k1: number, to: number) => {
      let amax = 1e-4
      for (let m = m0; m < m1; m++) for (let k = k0; k < k1; k++) amax = Math.max(amax, Math.abs(x.data[m * K + k]))
      const s = fp8Scale(amax, pow2)
      scale.data[to] = s
      for (let m = m0; m < m1; m++) {
        for (let k = k0; k < k1; k++) {
          // The quotient is rounded to float32 first, as the kernels of the paper do: two roundings are the definition.
          q.data[tile === '128x1' ? k * M + m : m * K + k] = e4m3Values[toE4m3(Math.fround(x.data[m * K + k] / s))]
        }
      }
    }
    if (tile === '128x1') { // scales in the order of the transposed matrix
      for (let k = 0; k < K; k++) for (let m = 0; m < M; m += 128) quantizeTile(m, Math.min(m + 128, M), k, k + 1, numTiles++)
      return
    }
    for (let g = 0; g < groups; g++) {
      for (let m = g * rows; m < (g + 1) * rows; m += tileRows) {
        for (let k = 0; k < K; k += tileColumns) {
          quantizeTile(m, Math.min(m + tileRows, (g + 1) * rows), k, Math.min(k + tileColumns, K), numTiles++)
        }
      }
    }
  },
  tolerance: () => 0,
  toleranceReason: 'integer-exact quotients: bytes and scales are equal bits everywhere',
})

/** amax is at least 1e-4 already. */
function fp8Scale(amax: number, pow2: boolean): number {
  const scale = Math.fround(amax / 448)
  if (!pow2 || !Number.isFinite(scale)) return scale
  const exponent = Math.round(Math.log2(scale))
  return 2 ** exponent >= scale ? (2 ** (exponent - 1) >= scale ? 2 ** (exponent - 1) : 2 ** exponent) : 2 ** (exponent + 1)
}

/** x [M, K] -> q e4m3 and scale f32; shapes in `fp8Shapes`. */
export function quantizeFp8(x: Tensor, tile: Fp8Tile, options: { pow2?: boolean; groupRows?: number } = {}): { q: Tensor; scale: Tensor } {
  const { q, scale } = x.device.run(quantize_fp8, { x }, { tile, pow2: options.pow2 ?? false, groupRows: options.groupRows ?? 0 })
  return { q, scale }
}

/** q * scale in float64, for the references of the fp8 products. `from`, `rows`: the part of q to decode. */
export function dequantized(
  q: Numbers, scale: Numbers, rows: number, columns: number, tileRows: 1 | 128, qAt = 0, scaleAt = 0,
): Float64Array {
  const out = new Float64Array(rows * columns)
  const numTiles = Math.ceil(columns / 128)
  for (let r = 0; r < rows; r++) {
    const scaleRow = scaleAt + (tileRows === 1 ? r : r >> 7) * numTiles
    for (let t = 0; t < numTiles; t++) {
      const s = scale[scaleRow + t]
      const end = Math.min((t + 1) * 128, columns)
      for (let c = t * 128; c < end; c++) out[r * columns + c] = q[qAt + r * columns + c] * s
    }
  }
  return out
}
