import { ceilDiv, u32, type PtxKernel } from '../src/core/kernel.ts'
import type { DequantizeFp8Attrs } from '../src/ops/dequantize_fp8.ts'
import text from './dequantize_fp8.ptx'

export const dequantize_fp8: PtxKernel<DequantizeFp8Attrs> = {
  op: 'dequantize_fp8',
  launch({ specs: { q }, attrs: { tile, groupRows } }) {
    const [M, K] = q.shape
    if (M * K === 0) return []
    const R = tile === '1x128' ? 1 : groupRows || M
    const args = ['q', 'scale', 'x', u32(M), u32(K), u32(R), u32(ceilDiv(R, 128))]
    return [{ ptx: text, entry: 'dequantize_fp8', args, grid: [ceilDiv(M * ceilDiv(K, 4), 256), 1, 1], block: [256, 1, 1] }]
  },
}
