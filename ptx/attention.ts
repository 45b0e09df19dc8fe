import { ceilDiv, f32, u32, type PtxKernel } from '../src/core/kernel.ts'
import type { AttentionAttrs } from '../src/ops/attention_bwd.ts'
import { attentionBytes, attentionColumns, attentionText, type AttentionShape } from './attention.ptx.ts'
import { copyBytesOf, once } from './tile_choice.ts'

/** The narrowest block that holds a head's values; beyond 128 of them several blocks share the scores' work, each doing it again. */
function shapeOf(D: number, Dv: number, plain = false): AttentionShape {
  return { columns: attentionColumns.find((c) => c >= Dv) ?? 128, qkCopy: copyBytesOf(D, 4), vCopy: copyBytesOf(Dv, 4), plain }
}
const textOf = (shape: AttentionShape) => once(`attention ${JSON.stringify(shape)}`, () => attentionText(shape))

export const attention: PtxKernel<AttentionAttrs> = {
  op: 'attention',
  launch({ specs: { q, v }, attrs: { seqLen, scale } }, { emulated }) {
    const [T, n, D] = q.shape, Dv = v.shape[2]
    if (T * n * Dv === 0) return []
    const shape = shapeOf(D, Dv, emulated)
    return [{
      ptx: textOf(shape), entry: 'attention', args: ['q', 'k', 'v', 'o', 'lse', u32(seqLen), u32(n), u32(D), u32(Dv), f32(scale)],
      grid: [(T / seqLen) * ceilDiv(seqLen, 64) * ceilDiv(Dv, shape.columns), n, 1], block: [128, 1, 1], smemBytes: attentionBytes(shape),
    }]
  },
  texts: () => [[192, 128], [24, 16], [24, 8], [64, 64], [32, 32], [65, 127], [3, 1]].map(([D, Dv]) => textOf(shapeOf(D, Dv))),
}
