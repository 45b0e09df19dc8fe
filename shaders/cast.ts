import type { DType } from '../src/core/dtype.ts'
import { ceilDiv, u32, workgroups1d, type Binding, type Dispatch, type WgslKernel } from '../src/core/kernel.ts'
import { numElements } from '../src/core/shape.ts'
import { castText, entry } from './cast.wgsl.ts'

/** Converts `count` elements between bf16 and f32 buffers; a pass of other ops too. */
export function castPass(x: Binding, y: Binding, from: DType, to: DType, count: number): Dispatch {
  // One invocation per output word; packed copies have half as many words as elements.
  const invocations = to === 'bf16' ? ceilDiv(count, 2) : count
  return {
    label: 'cast', wgsl: castText(from, to), entry, bindings: [x, y],
    uniforms: [u32(from === to ? invocations : count)], workgroups: workgroups1d(ceilDiv(invocations, 64)),
  }
}

export const cast: WgslKernel = {
  op: 'cast',
  launch: ({ specs: { x, y } }) => [castPass('x', 'y', x.dtype, y.dtype, numElements(x.shape))],
}
