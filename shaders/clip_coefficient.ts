import { f32, type WgslKernel } from '../src/core/kernel.ts'
import wgsl from './clip_coefficient.wgsl'

export const clip_coefficient: WgslKernel<{ maxNorm: number }> = {
  op: 'clip_coefficient',
  launch: ({ attrs: { maxNorm } }) => [{ wgsl, entry: 'clip_coefficient', bindings: ['acc', 'coef', 'norm'], uniforms: [f32(maxNorm)], workgroups: [1, 1, 1] }],
}
