import { ceilDiv, scratch, u32, workgroups1d, type Binding, type Dispatch, type WgslKernel } from '../src/core/kernel.ts'
import type { DequantizeFp8Attrs } from '../src/ops/dequantize_fp8.ts'
import { decodeFp8Text } from './decode_fp8.wgsl.ts'
import { dequantizeFp8Text } from './dequantize_fp8.wgsl.ts'

export const dequantize_fp8: WgslKernel<DequantizeFp8Attrs> = {
  op: 'dequantize_fp8',
  launch({ specs: { q }, attrs: { tile, groupRows } }) {
    const [M, K] = q.shape
    return [{
      wgsl: dequantizeFp8Text(tile), entry: 'dequantize_fp8', bindings: ['q', 'scale', 'x'],
      uniforms: [u32(M), u32(K), u32(groupRows || M)], workgroups: workgroups1d(ceilDiv(M * K, 64)),
    }]
  },
}

/** Unpacks an e4m3 operand of `count` elements into scratch f32, without its scales. */
export function decoded(passes: Dispatch[], name: string, count: number): Binding {
  const y = scratch(`${name} f32`, count * 4)
  passes.push({
    label: 'decode_fp8', wgsl: decodeFp8Text, entry: 'decode_fp8', bindings: [name, y],
    uniforms: [u32(count)], workgroups: workgroups1d(ceilDiv(count, 64)),
  })
  return y
}
