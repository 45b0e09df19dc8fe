import { ceilDiv, f32, scratch, u32, workgroups1d, type WgslKernel } from '../src/core/kernel.ts'
import { sumAll } from './sum_all.ts'
import { crossEntropyWgsl } from './cross_entropy.wgsl.ts'

const wide = crossEntropyWgsl(true), narrow = crossEntropyWgsl(false)

export const cross_entropy: WgslKernel<{ scale: number }> = {
  op: 'cross_entropy',
  launch({ specs: { logits }, attrs: { scale } }) {
    const T = logits.shape[0]
    const per = logits.shape[1] % 4 === 0 ? 4 : 1
    const wgsl = per === 4 ? wide : narrow
    const V = logits.shape[1] / per
    // Invocations per row in pass one; four neighbours at least.
    const L = V < 256 ? 4 : 64
    const partial = scratch('partial', T * L * 8)
    const stats = scratch('stats', T * 8)
    const uniforms = [u32(T), u32(V), u32(L), f32(scale)]
    return [
      { label: 'cross_entropy_partial', wgsl, entry: 'cross_entropy_partial', bindings: ['logits', partial], uniforms, workgroups: workgroups1d(ceilDiv(T * L, 64)) },
      {
        label: 'cross_entropy_rows', wgsl, entry: 'cross_entropy_rows', bindings: ['logits', 'targets', partial, stats, 'losses'], uniforms,
        workgroups: workgroups1d(ceilDiv(T, 64)),
      },
      {
        label: 'cross_entropy_gradient', wgsl, entry: 'cross_entropy_gradient', bindings: ['logits', 'targets', stats, 'dlogits'], uniforms,
        workgroups: workgroups1d(ceilDiv(T * V, 64)),
      },
      sumAll('losses', 'total', T, scale, false),
    ]
  },
}
