import { f32, u32, type PtxKernel } from '../src/core/kernel.ts'
import { numElements } from '../src/core/shape.ts'
import type { AdamwAttrs } from '../src/ops/adamw.ts'
import { adamwPtx } from './adamw.ptx.ts'

const texts = { f32: adamwPtx('f32'), bf16: adamwPtx('bf16') }

export const adamw: PtxKernel<AdamwAttrs> = {
  op: 'adamw',
  launch({ specs: { p, m }, attrs: { lr, beta1, beta2, eps, weightDecay, step } }) {
    const N = numElements(p.shape)
    if (N === 0) return []
    return [{
      ptx: m.dtype === 'bf16' ? texts.bf16 : texts.f32, entry: 'adamw',
      args: [
        'p', 'g', 'm', 'v', 'coef', u32(Math.floor(N / 4)), u32(N % 4), f32(1 - lr * weightDecay), f32(lr / (1 - beta1 ** step)), f32(1 / Math.sqrt(1 - beta2 ** step)), f32(eps),
        f32(beta1), f32(1 - beta1), f32(beta2), f32(1 - beta2),
      ],
      grid: [Math.floor(N / 512) + 1, 1, 1], block: [128, 1, 1],
    }]
  },
}
