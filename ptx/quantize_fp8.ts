import { ceilDiv, u32, type PtxDispatch, type PtxKernel } from '../src/core/kernel.ts'
import type { DType } from '../src/core/dtype.ts'
import type { QuantizeFp8Attrs } from '../src/ops/quantize_fp8.ts'
import { quantizeBlocksText, quantizeColumnsText, quantizeRowsText } from './quantize_fp8.ptx.ts'
import { once } from './tile_choice.ts'

const rows = (dtype: DType, vector: boolean) => once(`quantize_fp8 rows ${dtype} ${vector}`, () => quantizeRowsText(dtype, vector))
const blocks = (dtype: DType, vector: boolean) => once(`quantize_fp8 blocks ${dtype} ${vector}`, () => quantizeBlocksText(dtype, vector))
const columns = (dtype: DType) => once(`quantize_fp8 columns ${dtype}`, () => quantizeColumnsText(dtype))

export const quantize_fp8: PtxKernel<QuantizeFp8Attrs> = {
  op: 'quantize_fp8',
  launch({ specs: { x }, attrs: { tile, pow2, groupRows } }): PtxDispatch[] {
    const [M, K] = x.shape
    if (M * K === 0) return []
    const vector = K % 4 === 0, block = [256, 1, 1] as const, flag = u32(pow2 ? 1 : 0)
    switch (tile) {
      case '1x128': return [{ ptx: rows(x.dtype, vector), entry: 'quantize_fp8_rows', args: ['x', 'q', 'scale', u32(M), u32(K), flag], grid: [ceilDiv(M * ceilDiv(K, 128), 8), 1, 1], block }]
      case '128x1': return [{ ptx: columns(x.dtype), entry: 'quantize_fp8_columns', args: ['x', 'q', 'scale', u32(M), u32(K), flag], grid: [ceilDiv(M, 128), ceilDiv(K, 32), 1], block }]
      case '128x128': {
        const R = groupRows || M
        return [{ ptx: blocks(x.dtype, vector), entry: 'quantize_fp8_blocks', args: ['x', 'q', 'scale', u32(K), u32(R), flag], grid: [ceilDiv(K, 128) * ceilDiv(R, 128) * (M / R), 1, 1], block }]
      }
    }
  },
  texts: () => (['f32', 'bf16'] as const).flatMap((dtype) => [columns(dtype), ...[true, false].flatMap((vector) => [rows(dtype, vector), blocks(dtype, vector)])]),
}
