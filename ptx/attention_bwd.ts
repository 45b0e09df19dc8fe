import { ceilDiv, f32, scratch, u32, type PtxKernel } from '../src/core/kernel.ts'
import type { AttentionAttrs } from '../src/ops/attention_bwd.ts'
import { attentionColumns } from './attention.ptx.ts'
import { attentionBwdBytes, attentionBwdText, type AttentionBwdShape, type Pass } from './attention_bwd.ptx.ts'
import deltaText from './attention_bwd_delta.ptx'
import { copyBytesOf, once } from './tile_choice.ts'

/** Chunks of the gradients' columns: each chunk's block forms the scores again, so the widest that fits the registers. */
function shapeOf(pass: Pass, D: number, Dv: number, plain = false): AttentionBwdShape {
  const widest = pass === 'keys' ? Math.max(D, Dv) : D
  return { pass, columns: attentionColumns.find((c) => c >= widest) ?? 128, copyBytes: Math.min(copyBytesOf(D, 4), copyBytesOf(Dv, 4)), plain }
}
const textOf = (shape: AttentionBwdShape) => once(`attention_bwd ${JSON.stringify(shape)}`, () => attentionBwdText(shape))

export const attention_bwd: PtxKernel<AttentionAttrs> = {
  op: 'attention_bwd',
  launch({ specs: { q, v }, attrs: { seqLen, scale } }, { emulated }) {
    const [T, n, D] = q.shape, Dv = v.shape[2]
    if (T * n === 0) return []
    const delta = scratch('delta', T * n * 4)
    const pass = (kind: Pass, outputs: string[]) => {
      const shape = shapeOf(kind, D, Dv, emulated)
      const chunks = ceilDiv(kind === 'keys' ? Math.max(D, Dv) : D, shape.columns)
      return {
        ptx: textOf(shape), entry: `attention_bwd_${kind}`,
        args: ['dout', 'q', 'k', 'v', 'lse', delta, ...outputs, u32(seqLen), u32(n), u32(D), u32(Dv), u32(chunks), f32(scale)],
        grid: [(T / seqLen) * ceilDiv(seqLen, 64) * chunks, n, 1] as const, block: [128, 1, 1] as const, smemBytes: attentionBwdBytes(shape),
      }
    }
    return [
      { ptx: deltaText, entry: 'attention_bwd_delta', args: ['dout', 'o', delta, u32(T * n), u32(Dv)], grid: [ceilDiv(T * n, 4), 1, 1], block: [128, 1, 1] },
      pass('keys', ['dk', 'dv']), pass('queries', ['dq']),
    ]
  },
  texts: () => (['keys', 'queries'] as const).flatMap((pass) => [[192, 128], [128, 127], [24, 16], [8, 8], [64, 64], [32, 32], [3, 1]].map(([D, Dv]) => textOf(shapeOf(pass, D, Dv)))),
}
