import { ceilDiv, f32, u32, workgroups1d, type Dispatch, type GpuInfo, type WgslKernel } from '../src/core/kernel.ts'
import type { Specs } from '../src/core/op.ts'
import { attentionWgsl, type AttentionTile } from './attention.wgsl.ts'

const texts = new Map<string, string>()

/**
 * What the attention kernels share: text (made once: pipelines are found by text), uniforms and grid. `rows`: a lane's on
 * a software adapter, measured on SwiftShader at D 24, Dv 16; longer texts compile for seconds there.
 */
export function attentionDispatch(
  make: (D: number, Dv: number, tile: AttentionTile) => string, rows: number,
  { q, v }: Specs, { seqLen, scale }: { seqLen: number; scale: number }, gpu: GpuInfo,
): Pick<Dispatch, 'wgsl' | 'uniforms' | 'workgroups'> {
  const [T, n, D] = q.shape
  const Dv = v.shape[2]
  const small = D <= 32 && Dv <= 32
  const tile: AttentionTile = gpu.software
    ? { rows: small ? rows : D <= 48 ? 2 : 1, block: gpu.subgroups ? 4 : 1, workgroup: 16, unroll: 16, quads: gpu.subgroups }
    : { rows: small ? 2 : 1, block: small ? 2 : 1, workgroup: 64, unroll: 16 }
  const key = `${make.name} ${D} ${Dv}${gpu.software ? ' software' : ''}`
  let wgsl = texts.get(key)
  if (!wgsl) texts.set(key, (wgsl = make(D, Dv, tile)))
  const lanes = (T / seqLen) * n * (tile.quads ? 4 * ceilDiv(seqLen, 4 * tile.rows) : ceilDiv(seqLen, tile.rows))
  return { wgsl, uniforms: [u32(seqLen), u32(n), u32(lanes), f32(scale)], workgroups: workgroups1d(ceilDiv(lanes, tile.workgroup)) }
}

export const attention: WgslKernel<{ seqLen: number; scale: number }> = {
  op: 'attention',
  launch: ({ specs, attrs }, gpu) => [
    { entry: 'attention', bindings: ['q', 'k', 'v', 'o', 'lse'], ...attentionDispatch(attentionWgsl, 4, specs, attrs, gpu) },
  ],
}
