// Matrix products with weights, in three precisions. Forward keeps a compact copy of x; backward gives dx at once and the
// weight gradient later, always in float32.   y = x w^T,   dx = dy w,   dw = dy^T x.   [deepseek-v3.md §2]
import type { Tensor } from '../core/tensor.ts'
import { cast } from '../ops/cast.ts'
import { dequantizeFp8 } from '../ops/dequantize_fp8.ts'
import { gemm } from '../ops/gemm.ts'
import { gemmFp8 } from '../ops/gemm_fp8.ts'
import { gemmFp8BwdW } from '../ops/gemm_fp8_bwd_w.ts'
import { groupedGemm } from '../ops/grouped_gemm.ts'
import { groupedGemmBwdW } from '../ops/grouped_gemm_bwd_w.ts'
import { groupedGemmFp8 } from '../ops/grouped_gemm_fp8.ts'
import { groupedGemmFp8BwdW } from '../ops/grouped_gemm_fp8_bwd_w.ts'
import { quantizeFp8, type Fp8Tile } from '../ops/quantize_fp8.ts'
import type { Parameter } from './parameters.ts'

/** `fp8` is DeepSeek-V3's: e4m3, 1x128 tiles for activations and their gradients, 128x128 blocks for weights. */
export type Recipe = 'f32' | 'bf16' | 'fp8'

/** One product in one precision; `x` and `dy` arrive as f32, results leave as f32. */
interface Product {
  /** x as forward reads it and as the weight gradient will: all that is kept of x. */
  pack(x: Tensor): Tensor[]
  forward(packed: Tensor[]): Tensor
  inputGradient(dy: Tensor): Tensor
  weightGradient(dy: Tensor, packed: Tensor[]): Tensor
  /** Adds it to what earlier micro-batches left, where that is one kernel. */
  addWeightGradient?(dy: Tensor, packed: Tensor[], gradient: Tensor): void
}

/** x [T, K] f32, weight [N, K] -> [T, N] f32. */
export function linear(x: Tensor, weight: Parameter, recipe: Recipe): Tensor {
  return record(x, weight, dense[recipe](weight))
}

/**
 * x [P, K] f32 sorted by expert, weight [E, N, K], offsets [E + 1] i32 multiples of rowAlign (128 in fp8) -> [P, N] f32;
 * rows of expert e times weight e.
 */
export function groupedLinear(x: Tensor, weight: Parameter, offsets: Tensor, recipe: Recipe, rowAlign: number): Tensor {
  return record(x, weight, grouped[recipe](weight, offsets, rowAlign), [offsets])
}

function record(x: Tensor, weight: Parameter, product: Product, alsoSaved: Tensor[] = []): Tensor {
  const { device } = x
  const [y, ...packed] = device.withoutTape(() => device.scope(() => {
    const packed = product.pack(x)
    return [product.forward(packed), ...packed]
  }))
  device.tape?.record([x, weight.tensor], [y], [...packed, ...alsoSaved], ([dy]) => !dy ? { now: [] } : {
    now: [x.requiresGrad ? product.inputGradient(dy) : undefined],
    later: () => {
      const { grad } = weight.tensor
      if (grad === undefined || !product.addWeightGradient) return [undefined, product.weightGradient(dy, packed)]
      product.addWeightGradient(dy, packed, grad)
      return []
    },
  })
  return y
}

const toBf16 = (x: Tensor) => cast(x, 'bf16')
const bf16Weights = (weight: Parameter) => weight.form('bf16', (w) => ({ w: toBf16(w) })).w

const dense: Record<Recipe, (weight: Parameter) => Product> = {
  f32: ({ tensor: w }) => ({
    pack: (x) => [x],
    forward: ([x]) => gemm(x, w, 'nt'),
    inputGradient: (dy) => gemm(dy, w, 'nn'),
    weightGradient: (dy, [x]) => gemm(dy, x, 'tn'),
  }),
  bf16: (weight) => {
    const w = bf16Weights(weight)
    return {
      pack: (x) => [toBf16(x)],
      forward: ([x]) => gemm(x, w, 'nt'),
      inputGradient: (dy) => gemm(toBf16(dy), w, 'nn'),
      weightGradient: (dy, [x]) => gemm(toBf16(dy), x, 'tn'),
    }
  },
  fp8: (weight) => {
    const { q, scale } = fp8Weights(weight)
    return {
      pack: quantizeRows,
      forward: ([x, xScale]) => gemmFp8(x, xScale, q, scale, 'nt'),
      inputGradient: (dy) => {
        const [y, yScale] = quantizeRows(dy)
        return gemmFp8(y, yScale, q, scale, 'nn')
      },
      weightGradient: (dy, x) => {
        const [dyT, dyScale] = quantizeColumns(dy) // [N, T]
        const [xT, xScale] = retile(x) // [K, T]
        return gemmFp8(dyT, dyScale, xT, xScale, 'nt', '1x128')
      },
      addWeightGradient: (dy, x, gradient) => {
        const [dyT, dyScale] = quantizeColumns(dy)
        const [xT, xScale] = retile(x)
        gemmFp8BwdW(dyT, dyScale, xT, xScale, gradient)
      },
    }
  },
}

const grouped: Record<Recipe, (weight: Parameter, offsets: Tensor, rowAlign: number) => Product> = {
  f32: ({ tensor: w }, offsets, rowAlign) => groupedProduct((x) => x, w, offsets, rowAlign),
  bf16: (weight, offsets, rowAlign) => groupedProduct(toBf16, bf16Weights(weight), offsets, rowAlign),
  fp8: (weight, offsets, rowAlign) => {
    const { q, scale } = fp8Weights(weight)
    return {
      pack: quantizeRows,
      forward: ([x, xScale]) => groupedGemmFp8(x, xScale, q, scale, offsets, 'nt', rowAlign),
      inputGradient: (dy) => {
        const [y, yScale] = quantizeRows(dy)
        return groupedGemmFp8(y, yScale, q, scale, offsets, 'nn', rowAlign)
      },
      weightGradient: (dy, x) => {
        const [dyT, dyScale] = quantizeColumns(dy) // [N, P]
        const [xT, xScale] = retile(x) // [K, P]
        return groupedGemmFp8BwdW(dyT, dyScale, xT, xScale, offsets)
      },
    }
  },
}

function groupedProduct(convert: (x: Tensor) => Tensor, w: Tensor, offsets: Tensor, rowAlign: number): Product {
  return {
    pack: (x) => [convert(x)],
    forward: ([x]) => groupedGemm(x, w, offsets, 'nt', rowAlign),
    inputGradient: (dy) => groupedGemm(convert(dy), w, offsets, 'nn', rowAlign),
    weightGradient: (dy, [x]) => groupedGemmBwdW(convert(dy), x, offsets),
  }
}

function quantize(x: Tensor, tile: Fp8Tile): Tensor[] {
  const { q, scale } = quantizeFp8(x, tile)
  return [q, scale]
}
const quantizeRows = (x: Tensor) => quantize(x, '1x128')
/** Transposed, in tiles of 128 along the rows of x. */
const quantizeColumns = (x: Tensor) => quantize(x, '128x1')

/** 1x128 -> 128x1: decoded, transposed, quantised again, as the weight gradient sums over rows. */
const retile = ([q, scale]: Tensor[]) => quantizeColumns(dequantizeFp8(q, scale, '1x128'))

/** In 128x128 blocks; of a stack [E, N, K] each expert apart: q [E, N, K], scale [E, ceil(N / 128), ceil(K / 128)]. */
function fp8Weights(weight: Parameter) {
  return weight.form('fp8', (w) => {
    if (w.shape.length === 2) return quantizeFp8(w, '128x128')
    const [E, N, K] = w.shape
    const { q, scale } = quantizeFp8(w.reshape([E * N, K]), '128x128', { groupRows: N })
    return { q: q.reshape(w.shape), scale: scale.reshape([E, Math.ceil(N / 128), Math.ceil(K / 128)]) }
  })
}
