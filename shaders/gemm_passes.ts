// The f32 product as passes: the vec4 kernel of gemm.wgsl.ts where the sizes allow it, else the blocked one.
import { ceilDiv, scratch, u32, workgroups1d, type Binding, type Dispatch, type GpuInfo } from '../src/core/kernel.ts'
import type { Shape } from '../src/core/shape.ts'
import { gemmChoose, gemmGrid, gemmSizes, gemmSplits, gemmWgsl, type GemmOptions } from './gemm.wgsl.ts'
import { blockedGemm, transposePass } from './gemm_blocked.ts'
import { sumRows } from './sum_rows.ts'
import zeroTail from './zero_tail.wgsl'

/** [M or rows of a, N, K] of a [M, K] (tn: [K, M]) and b [N, K] (nt) or [K, N]; b may be a stack of those. */
export function extents(a: Shape, b: Shape, layout: 'nt' | 'nn' | 'tn'): { M: number; N: number; K: number } {
  const [M, K] = layout === 'tn' ? [a[1], a[0]] : a
  return { M, N: layout === 'nt' ? b[b.length - 2] : b[b.length - 1], K }
}

export interface Product {
  layout: 'nt' | 'nn' | 'tn'
  M: number; N: number; K: number
  /** Present for the grouped products: rows of a (nt, nn) or segments of K (tn) by expert. */
  E?: number
  a: Binding; b: Binding; offsets?: Binding; c: Binding
}

export function product(gpu: GpuInfo, p: Product): Dispatch[] {
  const { layout, M, N, K } = p
  const whole = N % 4 === 0 && (layout === 'tn' ? M : K) % 4 === 0 && K > 0
  return whole ? fast(gpu, p) : blocked(p)
}

function fast(gpu: GpuInfo, { layout, M, N, K, E = 1, a, b, offsets, c }: Product): Dispatch[] {
  const options = gemmChoose(layout, N, gpu, offsets !== undefined, M)
  const splits = layout === 'tn' && !offsets ? gemmSplits(options, M, N, K, E) : 1
  const target = splits === 1 ? c : scratch('partial products', splits * M * N * 4)
  const passes: Dispatch[] = [{
    label: 'gemm', wgsl: textOf(options), entry: 'gemm', bindings: [a, b, target, ...(offsets ? [offsets] : [])],
    uniforms: [...gemmSizes(M, N, K, E, splits)].map(u32), workgroups: gemmGrid(options, M, N, E, splits),
  }]
  if (splits > 1) passes.push(sumRows(target, c, splits, M * N))
  if (offsets && layout !== 'tn') {
    passes.push({ label: 'zero_tail', wgsl: zeroTail, entry: 'zero_tail', bindings: [offsets, c], uniforms: [u32(E), u32(M), u32(N)],
      workgroups: workgroups1d(ceilDiv(M, 64)) })
  }
  return passes
}

function blocked({ layout, M, N, K, E = 1, a, b, offsets, c }: Product): Dispatch[] {
  const passes: Dispatch[] = []
  let right = b
  if (layout === 'nt') {
    right = scratch('b transposed', E * K * N * 4)
    passes.push(transposePass(b, right, E, N, K))
  }
  const bindings = [a, right, ...(offsets ? [offsets] : []), c]
  const groups = !offsets ? undefined : layout === 'tn' ? 'sum' as const : 'rows' as const
  return [...passes, blockedGemm({ M, N, K, E, a: layout === 'tn' ? 'km' : 'mk', groups, bindings })]
}

const texts = new Map<string, string>()

function textOf(options: GemmOptions): string {
  const key = JSON.stringify(options)
  let text = texts.get(key)
  if (!text) texts.set(key, (text = gemmWgsl(options)))
  return text
}
