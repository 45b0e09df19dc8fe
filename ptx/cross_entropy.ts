import { f32, u32, type PtxKernel } from '../src/core/kernel.ts'
import { crossEntropyPtx } from './cross_entropy.ptx.ts'
import { sumAll } from './sum_all.ts'

const wide = crossEntropyPtx(true), narrow = crossEntropyPtx(false)

export const cross_entropy: PtxKernel<{ scale: number }> = {
  op: 'cross_entropy',
  launch({ specs: { logits }, attrs: { scale } }) {
    const [T, V] = logits.shape
    const total = sumAll('losses', 'total', T, scale, false)
    if (T === 0) return [total]
    return [{ ptx: V % 4 === 0 ? wide : narrow, entry: 'cross_entropy', args: ['logits', 'targets', 'losses', 'dlogits', u32(V), f32(scale)], grid: [T, 1, 1], block: [128, 1, 1] }, total]
  },
}
