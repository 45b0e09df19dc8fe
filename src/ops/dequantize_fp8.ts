// dequantize_fp8: x = q * scale of the element's tile.
import { defineOp } from '../core/op.ts'
import { need, sameShape, spec } from '../core/shape.ts'
import type { Tensor } from '../core/tensor.ts'
import { fp8Shapes } from './quantize_fp8.ts'

export interface DequantizeFp8Attrs {
  readonly [key: string]: string | number
  /** A matrix quantised as 128x1 is stored transposed: its tiles are 1x128. */
  readonly tile: '1x128' | '128x128'
  readonly groupRows: number
}

export const dequantize_fp8 = defineOp<DequantizeFp8Attrs>({
  name: 'dequantize_fp8',
  args: [['q', 'in'], ['scale', 'in'], ['x', 'out']],
  infer({ q, scale }, { tile, groupRows }) {
    need(q.shape.length === 2 && q.dtype === 'e4m3', 'dequantize_fp8', 'q', q, '[M, K] e4m3')
    const expected = fp8Shapes(q.shape, tile, groupRows).scale
    need(sameShape(scale.shape, expected) && scale.dtype === 'f32', 'dequantize_fp8', 'scale', scale, `[${expected.join(', ')}] f32`)
    return { x: spec('f32', q.shape) }
  },
  reference({ q, scale, x }, { tile, groupRows }) {
    const [M, K] = q.shape
    const numTiles = Math.ceil(K / 128), rows = groupRows || M, blocks = Math.ceil(rows / 128)
    for (let m = 0; m < M; m++) {
      const scaleRow = tile === '1x128' ? m : Math.floor(m / rows) * blocks + ((m % rows) >> 7)
      for (let k = 0; k < K; k++) x.data[m * K + k] = q.data[m * K + k] * scale.data[scaleRow * numTiles + (k >> 7)]
    }
  },
  tolerance: () => 0,
  toleranceReason: 'one float32 product, correctly rounded everywhere',
})

/** q [M, K] e4m3, scale f32 -> x [M, K] f32. */
export function dequantizeFp8(q: Tensor, scale: Tensor, tile: '1x128' | '128x128', groupRows = 0): Tensor {
  return q.device.run(dequantize_fp8, { q, scale }, { tile, groupRows }).x
}
