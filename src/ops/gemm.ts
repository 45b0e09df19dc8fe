// gemm: c = a * b^T (nt), a * b (nn) or a^T * b (tn): the three products of a linear layer.
import { defineOp } from '../core/op.ts'
import { need, spec, type Shape } from '../core/shape.ts'
import type { Tensor } from '../core/tensor.ts'
import { dotTolerance, dotToleranceReason, multiply } from './matrix.ts'

export type Layout = 'nt' | 'nn' | 'tn'
export type FloatOut = 'f32' | 'bf16'
export interface GemmAttrs { readonly [key: string]: string; readonly layout: Layout; readonly out: FloatOut }

/** The extents of c [M, N] and of the sum, K. */
export function gemmExtents(a: Shape, b: Shape, layout: Layout): { M: number; N: number; K: number } {
  const [M, K] = layout === 'tn' ? [a[1], a[0]] : a
  return { M, N: layout === 'nt' ? b[0] : b[1], K }
}

export const gemmOp = defineOp<GemmAttrs>({
  name: 'gemm',
  args: [['a', 'in'], ['b', 'in'], ['c', 'out']],
  infer({ a, b }, { layout, out }) {
    need(a.shape.length === 2 && (a.dtype === 'f32' || a.dtype === 'bf16'), 'gemm', 'a', a, `${layout === 'tn' ? '[K, M]' : '[M, K]'} f32 or bf16`)
    const { M, N, K } = gemmExtents(a.shape, b.shape, layout)
    const ok = b.shape.length === 2 && b.dtype === a.dtype && (layout === 'nt' ? b.shape[1] : b.shape[0]) === K
    need(ok, 'gemm', 'b', b, `${layout === 'nt' ? `[N, ${K}]` : `[${K}, N]`} ${a.dtype} (layout ${layout})`)
    return { c: spec(out, [M, N]) }
  },
  reference({ a, b, c }, { layout }) {
    const { M, N, K } = gemmExtents(a.shape, b.shape, layout)
    multiply(c.data, 0, M, N, K,
      layout === 'tn' ? { data: a.data, at: 0, row: 1, step: M } : { data: a.data, at: 0, row: K, step: 1 },
      layout === 'nt' ? { data: b.data, at: 0, row: K, step: 1 } : { data: b.data, at: 0, row: 1, step: N })
  },
  tolerance: ({ a, b }, { layout, out }) => dotTolerance(gemmExtents(a.shape, b.shape, layout).K, out),
  toleranceReason: dotToleranceReason,
  flops({ a, b }, { layout }) {
    const { M, N, K } = gemmExtents(a.shape, b.shape, layout)
    return 2 * M * N * K
  },
})

/** nt: a [M, K], b [N, K]; nn: b [K, N]; tn: a [K, M], b [K, N] -> [M, N]. Not differentiable: see src/model/linear.ts. */
export function gemm(a: Tensor, b: Tensor, layout: Layout, out: FloatOut = 'f32'): Tensor {
  return a.device.run(gemmOp, { a, b }, { layout, out }).c
}
