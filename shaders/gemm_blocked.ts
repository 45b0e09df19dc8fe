// Passes that the matrix products share. Scratch operands are f32, b as [K, N].
import { ceilDiv, scratch, u32, type Binding, type Dispatch, type Uniform } from '../src/core/kernel.ts'
import type { DType } from '../src/core/dtype.ts'
import { castPass } from './cast.ts'
import { blockedGemmText, tileColumns, tileRows, type BlockedGemmOptions } from './gemm_blocked.wgsl.ts'
import transpose from './transpose.wgsl'

const atMost = (n: number) => Math.min(Math.max(1, n), 65535)

export interface BlockedGemm extends BlockedGemmOptions {
  M: number; N: number; K: number; E?: number
  /** a, (a_scale), b, (b_scale), (offsets), c. */
  bindings: Binding[]
}

export function blockedGemm({ M, N, K, E = 1, bindings, ...options }: BlockedGemm): Dispatch {
  const uniforms: Uniform[] = [u32(M), u32(N), u32(K), u32(E)]
  return {
    label: 'gemm_blocked', wgsl: textOf(options), entry: 'gemm_blocked', bindings, uniforms,
    workgroups: [atMost(ceilDiv(N, tileColumns)), atMost(ceilDiv(M, tileRows)), options.groups === 'sum' ? E : 1],
  }
}

const texts = new Map<string, string>()

function textOf({ a, scales, groups }: BlockedGemmOptions): string {
  const key = `${a} ${scales} ${groups}`
  let text = texts.get(key)
  if (!text) texts.set(key, (text = blockedGemmText({ a, scales, groups })))
  return text
}

/** x [E, R, C] f32 -> y [E, C, R]. */
export const transposePass = (x: Binding, y: Binding, E: number, R: number, C: number): Dispatch => ({
  label: 'transpose', wgsl: transpose, entry: 'transpose', bindings: [x, y], uniforms: [u32(E), u32(R), u32(C)],
  workgroups: [atMost(ceilDiv(R, 16)), atMost(ceilDiv(C, 16)), E],
})

/** An operand as f32: itself, or unpacked into scratch memory by a pass. */
export function asF32(passes: Dispatch[], name: string, dtype: DType, count: number): Binding {
  if (dtype === 'f32') return name
  const unpacked = scratch(`${name} f32`, count * 4)
  passes.push(castPass(name, unpacked, dtype, 'f32', count))
  return unpacked
}

/** Where an f32 result goes: the output itself, or scratch that `finish` rounds into it. */
export function resultF32(name: string, dtype: DType, count: number): { target: Binding; finish: Dispatch[] } {
  if (dtype === 'f32') return { target: name, finish: [] }
  const wide = scratch(`${name} f32`, count * 4)
  return { target: wide, finish: [castPass(wide, name, 'f32', dtype, count)] }
}
