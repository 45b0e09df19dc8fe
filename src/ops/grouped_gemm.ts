// grouped_gemm: one gemm per expert over the expert's rows of x: y[p] = w[e] x[p] (nt) or x[p] w[e] (nn), offsets[e] <= p < offsets[e + 1].
import { defineOp } from '../core/op.ts'
import { need, spec, type Shape, type Spec } from '../core/shape.ts'
import type { Tensor } from '../core/tensor.ts'
import type { FloatOut } from './gemm.ts'
import { dotTolerance, dotToleranceReason, multiply, type Strided } from './matrix.ts'

export type GroupedLayout = 'nt' | 'nn'
/** `rowAlign`: the segment starts are multiples of it, at least 8, so that a tile of 8 rows has one expert. */
export interface GroupedGemmAttrs { readonly [key: string]: string | number; readonly layout: GroupedLayout; readonly rowAlign: number; readonly out: FloatOut }

/** x [P, K], w [E, N, K] (nt) or [E, K, N] (nn). */
export function groupedExtents(x: Shape, w: Shape, layout: GroupedLayout): { P: number; E: number; N: number; K: number } {
  return { P: x[0], E: w[0], N: layout === 'nt' ? w[1] : w[2], K: x[1] }
}

export function needOffsets(op: string, offsets: Spec, E: number): void {
  need(offsets.shape.length === 1 && offsets.shape[0] === E + 1 && offsets.dtype === 'i32', op, 'offsets', offsets, `[${E + 1}] i32`)
}

export function needRowAlign(op: string, rowAlign: number, x: Spec): void {
  need(Number.isInteger(rowAlign) && rowAlign >= 8 && rowAlign % 8 === 0, op, 'x', x, `rowAlign to be a multiple of 8 (it is ${rowAlign})`)
}

export const grouped_gemm = defineOp<GroupedGemmAttrs>({
  name: 'grouped_gemm',
  args: [['x', 'in'], ['w', 'in'], ['offsets', 'in'], ['y', 'out']],
  infer({ x, w, offsets }, { layout, rowAlign, out }) {
    need(x.shape.length === 2 && (x.dtype === 'f32' || x.dtype === 'bf16'), 'grouped_gemm', 'x', x, '[P, K] f32 or bf16')
    const { P, E, N, K } = groupedExtents(x.shape, w.shape, layout)
    const ok = w.shape.length === 3 && w.dtype === x.dtype && (layout === 'nt' ? w.shape[2] : w.shape[1]) === K
    need(ok, 'grouped_gemm', 'w', w, `${layout === 'nt' ? `[E, N, ${K}]` : `[E, ${K}, N]`} ${x.dtype} (layout ${layout})`)
    needOffsets('grouped_gemm', offsets, E)
    needRowAlign('grouped_gemm', rowAlign, x)
    return { y: spec(out, [P, N]) }
  },
  reference({ x, w, offsets, y }, { layout }) {
    const { P, E, N, K } = groupedExtents(x.shape, w.shape, layout)
    for (let e = 0; e < E; e++) {
      const start = offsets.data[e], rows = offsets.data[e + 1] - start
      const we: Strided = { data: w.data, at: e * N * K, row: layout === 'nt' ? K : 1, step: layout === 'nt' ? 1 : N }
      if (rows > 0) multiply(y.data, start * N, rows, N, K, { data: x.data, at: start * K, row: K, step: 1 }, we)
    }
    y.data.fill(0, offsets.data[E] * N, P * N)
  },
  tolerance: ({ x }, { out }) => dotTolerance(x.shape[1], out),
  toleranceReason: dotToleranceReason,
  flops({ x, w }, { layout }) {
    const { P, N, K } = groupedExtents(x.shape, w.shape, layout)
    return 2 * P * N * K // an upper bound: padding rows count
  },
})

/** x [P, K]; nt: w [E, N, K], nn: w [E, K, N]; offsets [E + 1] -> y [P, N], zero from row offsets[E] on. No vjp: src/model/linear.ts. */
export function groupedGemm(x: Tensor, w: Tensor, offsets: Tensor, layout: GroupedLayout, rowAlign: number, out: FloatOut = 'f32'): Tensor {
  return x.device.run(grouped_gemm, { x, w, offsets }, { layout, rowAlign, out }).y
}
