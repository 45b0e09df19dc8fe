import { ceilDiv, f32, u32, workgroups1d, type WgslKernel } from '../src/core/kernel.ts'
import { numElements } from '../src/core/shape.ts'
import type { AdamwAttrs } from '../src/ops/adamw.ts'
import { items } from './items.ts'
import { adamwWgsl } from './adamw.wgsl.ts'

const texts = { f32: adamwWgsl('f32'), bf16: adamwWgsl('bf16') }

export const adamw: WgslKernel<AdamwAttrs> = {
  op: 'adamw',
  launch({ specs: { p, m }, attrs: { lr, beta1, beta2, eps, weightDecay, step } }) {
    const packed = m.dtype === 'bf16'
    const { wgsl, per } = packed ? { wgsl: texts.bf16, per: 1 } : items(texts.f32, numElements(p.shape))
    const N = numElements(p.shape) / per
    return [{
      wgsl, entry: 'adamw', bindings: ['p', 'g', 'm', 'v', 'coef'],
      uniforms: [
        u32(N), f32(1 - lr * weightDecay), f32(lr / (1 - beta1 ** step)), f32(Math.sqrt(1 - beta2 ** step)), f32(eps),
        f32(beta1), f32(1 - beta1), f32(beta2), f32(1 - beta2),
      ],
      workgroups: workgroups1d(ceilDiv(N, packed ? 128 : 64)),
    }]
  },
}
