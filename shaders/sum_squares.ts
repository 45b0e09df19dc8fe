import { ceilDiv, scratch, u32, type WgslKernel } from '../src/core/kernel.ts'
import { numElements } from '../src/core/shape.ts'
import { sumAll } from './sum_all.ts'
import { summedItems } from './summed_items.ts'
import text from './sum_squares.wgsl'
import smallText from './sum_squares_small.wgsl'

/** Up to so many items one quad does it. */
const small = 2048

export const sum_squares: WgslKernel = {
  op: 'sum_squares',
  launch({ specs: { x } }, { subgroups }) {
    const N = numElements(x.shape)
    const { wgsl, per } = summedItems(text, N)
    if (subgroups && N / per <= small) {
      return [{ wgsl: summedItems(smallText, N).wgsl, entry: 'sum_squares_small', bindings: ['x', 'acc'], uniforms: [u32(N / per)], workgroups: [1, 1, 1] }]
    }
    const groups = Math.min(64, ceilDiv(N, 4096))
    const L = groups * 64
    const partial = scratch('partial', L * 4)
    return [
      { wgsl, entry: 'sum_squares', bindings: ['x', partial], uniforms: [u32(N / per), u32(L)], workgroups: [groups, 1, 1] },
      sumAll(partial, 'acc', L, 1, true),
    ]
  },
}
