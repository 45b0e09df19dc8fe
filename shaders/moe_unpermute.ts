import { ceilDiv, u32, workgroups1d, type WgslKernel } from '../src/core/kernel.ts'
import { items } from './items.ts'
import text from './moe_unpermute.wgsl'

export const moe_unpermute: WgslKernel = {
  op: 'moe_unpermute',
  launch({ specs: { topk_weights, y } }) {
    const { wgsl, per } = items(text, y.shape[1])
    const [T, H] = [y.shape[0], y.shape[1] / per]
    return [{
      wgsl, entry: 'moe_unpermute', bindings: ['yp', 'topk_weights', 'slot_row', 'y'],
      uniforms: [u32(T), u32(H), u32(topk_weights.shape[1])], workgroups: workgroups1d(ceilDiv(T * H, 256)),
    }]
  },
}
