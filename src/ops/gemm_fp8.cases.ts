import type { OpCase } from '../core/op.ts'
import { groupings, groupings128, offsetsOf } from './grouped_gemm.cases.ts'
import type { GroupedLayout } from './grouped_gemm.ts'
import { fp8Operand } from './quantize_fp8.cases.ts'

const tiles = (n: number) => Math.ceil(n / 128)

type Size = [M: number, N: number, K: number, slow?: boolean]
const sizes: Size[] = [[1, 1, 1], [7, 5, 3], [8, 32, 128], [9, 33, 127], [17, 129, 129], [5, 260, 300], [130, 264, 400], [128, 7168, 2048, true]]

const one = ([M, N, K, slow]: Size, layout: 'nt' | 'nn', bTile: '128x128' | '1x128'): OpCase => ({
  name: `${layout} ${bTile} [${M}, ${N}, ${K}]`, slow, attrs: { layout, bTile },
  inputs: (r) => {
    const [a, aScale] = fp8Operand(r, [M, K], [M, tiles(K)])
    const [rows, columns] = layout === 'nt' ? [N, K] : [K, N]
    const [b, bScale] = fp8Operand(r, [rows, columns], [bTile === '1x128' ? rows : tiles(rows), tiles(columns)])
    return { a, aScale, b, bScale }
  },
})

export const gemm_fp8_cases: OpCase[] = [
  ...sizes.map((size) => one(size, 'nt', '128x128')),
  ...sizes.map((size) => one(size, 'nt', '1x128')),
  ...sizes.map((size) => one(size, 'nn', '128x128')),
]

/** What was there is as large as what comes. */
export const gemm_fp8_bwd_w_cases: OpCase[] = sizes.map((size) => {
  const { name, slow, inputs } = one(size, 'nt', '1x128')
  return { name: name.replace('nt 1x128 ', ''), slow, attrs: {}, inputs: (r) => ({ ...inputs(r), c: r.normal([size[0], size[1]], Math.sqrt(size[2])) }) }
})

const layouts: GroupedLayout[] = ['nt', 'nn']
export const grouped_gemm_fp8_cases: OpCase[] = layouts.flatMap((layout) =>
  [...groupings.slice(0, 4), ...groupings128].flatMap((g) => [[33, 17], [129, 257]].map(([N, K]): OpCase => {
    const E = g.offsets.length - 1
    const [rows, columns] = layout === 'nt' ? [N, K] : [K, N]
    return {
      name: `${layout} ${g.name} [${g.P}, ${N}, ${K}]`, attrs: { layout, rowAlign: g.rowAlign },
      inputs: (r) => {
        const [x, xScale] = fp8Operand(r, [g.P, K], [g.P, tiles(K)])
        const [w, wScale] = fp8Operand(r, [E, rows, columns], [E, tiles(rows), tiles(columns)])
        return { x, xScale, w, wScale, offsets: offsetsOf(r, g) }
      },
    }
  })))

export const grouped_gemm_fp8_bwd_w_cases: OpCase[] = groupings128.flatMap((g) => [[5, 3], [33, 130]].map(([N, K]): OpCase => ({
  name: `${g.name} [${g.P}, ${N}, ${K}]`, attrs: {},
  inputs: (r) => {
    const [dyT, dyScale] = fp8Operand(r, [N, g.P], [N, tiles(g.P)])
    const [xT, xScale] = fp8Operand(r, [K, g.P], [K, tiles(g.P)])
    return { dyT, dyScale, xT, xScale, offsets: offsetsOf(r, g) }
  },
})))
