import { ceilDiv, f32, u32, workgroups1d, type WgslKernel } from '../src/core/kernel.ts'
import { summedItems } from './summed_items.ts'
import { maxHeld, rmsNormWgsl } from './rms_norm.wgsl.ts'

const texts = new Map<number, string>()

/** The text for rows of H elements, made once: pipelines are found by text. */
export function rowText(texts: Map<number, string>, make: (held: number) => string, H: number): string {
  const held = H % 4 === 0 && H / 4 <= maxHeld ? H / 4 : 0
  let text = texts.get(held)
  if (!text) texts.set(held, (text = make(held)))
  return text
}

export const rms_norm: WgslKernel<{ eps: number }> = {
  op: 'rms_norm',
  launch({ specs: { x }, attrs: { eps } }) {
    const [T, H] = x.shape
    const { wgsl, per } = summedItems(rowText(texts, rmsNormWgsl, H), H)
    return [{
      wgsl, entry: 'rms_norm', bindings: ['x', 'w', 'y', 'rstd'],
      uniforms: [u32(T), u32(H / per), f32(H), f32(eps)], workgroups: workgroups1d(ceilDiv(T, 64)),
    }]
  },
}
