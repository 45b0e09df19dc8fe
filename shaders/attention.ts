import { ceilDiv, f32, u32, workgroups1d, type Dispatch, type WgslKernel } from '../src/core/kernel.ts'
import type { Specs } from '../src/core/op.ts'
import { attentionWgsl } from './attention.wgsl.ts'

const texts = new Map<string, string>()

/** Generated text, made once: pipelines are found by text. */
export function textFor(make: (D: number, Dv: number) => string, { q, v }: Specs): string {
  const key = `${make.name} ${q.shape[2]} ${v.shape[2]}`
  let text = texts.get(key)
  if (!text) texts.set(key, (text = make(q.shape[2], v.shape[2])))
  return text
}

/** Uniforms and grid that the three attention kernels share. */
export function attentionGrid({ q }: Specs, { seqLen, scale }: { seqLen: number; scale: number }): Pick<Dispatch, 'uniforms' | 'workgroups'> {
  const [T, n] = q.shape
  const groups = (T / seqLen) * n * ceilDiv(seqLen, 64)
  return { uniforms: [u32(seqLen), u32(n), u32(groups), f32(scale)], workgroups: workgroups1d(groups) }
}

export const attention: WgslKernel<{ seqLen: number; scale: number }> = {
  op: 'attention',
  launch: ({ specs, attrs }) => [
    { wgsl: textFor(attentionWgsl, specs), entry: 'attention', bindings: ['q', 'k', 'v', 'o', 'lse'], ...attentionGrid(specs, attrs) },
  ],
}
