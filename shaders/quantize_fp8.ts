import { ceilDiv, scratch, u32, workgroups1d, type WgslKernel } from '../src/core/kernel.ts'
import { numElements } from '../src/core/shape.ts'
import type { QuantizeFp8Attrs } from '../src/ops/quantize_fp8.ts'
import { amaxText } from './fp8_amax.wgsl.ts'
import { scaleText } from './fp8_scale.wgsl.ts'
import { quantizeText } from './quantize_fp8.wgsl.ts'

/** `perturbUlps` spoils the hardware's quotients, for the test that nothing depends on them. */
export const quantizeFp8Kernel = (perturbUlps = 0): WgslKernel<QuantizeFp8Attrs> => ({
  op: 'quantize_fp8',
  launch({ specs: { x, q, scale }, attrs: { tile, pow2, groupRows } }) {
    const [M, K] = x.shape
    const [R, C] = q.shape
    const [scaleRows, T] = scale.shape
    const B = tile === '128x128' ? 128 : 1
    const G = groupRows || R
    const amax = scratch('amax', R * T * 4)
    const per64 = (count: number) => workgroups1d(ceilDiv(count, 64))
    return [
      { label: 'fp8_amax', wgsl: amaxText(x.dtype, tile), entry: 'fp8_amax', bindings: ['x', amax], uniforms: [u32(M), u32(K)], workgroups: per64(R * T) },
      { label: 'fp8_scale', wgsl: scaleText(pow2, perturbUlps), entry: 'fp8_scale', bindings: [amax, 'scale'],
        uniforms: [u32(scaleRows), u32(T), u32(B), u32(G)], workgroups: per64(scaleRows * T) },
      { wgsl: quantizeText(x.dtype, tile, perturbUlps), entry: 'quantize_fp8', bindings: ['x', 'scale', 'q'],
        uniforms: [u32(R), u32(C), u32(B), u32(G)], workgroups: per64(ceilDiv(numElements(q.shape), 4)) },
    ]
  },
})

export const quantize_fp8 = quantizeFp8Kernel()
