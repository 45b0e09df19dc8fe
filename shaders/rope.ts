import { ceilDiv, f32, u32, workgroups1d, type WgslKernel } from '../src/core/kernel.ts'
import wgsl from './rope.wgsl'

export const rope: WgslKernel<{ inverse: boolean; position: number }> = {
  op: 'rope',
  launch({ specs: { x, cos }, attrs: { inverse, position } }) {
    const [T, n, D] = x.shape
    const [S, half] = cos.shape
    const wide = D % 4 === 0 && half % 2 === 0
    const per = wide ? 4 : 1
    const N = wide ? T * n : T * n * D
    return [{
      wgsl, entry: wide ? 'rope_wide' : 'rope', bindings: ['x', 'cos', 'sin', 'y'],
      uniforms: [u32(N), u32(n), u32(D / per), u32(S), u32(wide ? half / 2 : half), u32(position % S), f32(inverse ? -1 : 1)],
      workgroups: workgroups1d(ceilDiv(N, 64)),
    }]
  },
}
