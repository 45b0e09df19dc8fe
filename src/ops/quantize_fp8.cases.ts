import { e4m3Values } from '../core/dtype.ts'
import type { CaseRandom, HostTensor, OpCase } from '../core/op.ts'
import type { Shape } from '../core/shape.ts'
import type { FloatOut } from './gemm.ts'
import { fp8Shapes, type Fp8Tile } from './quantize_fp8.ts'

const shapes: [Shape, boolean?][] = [[[1, 1]], [[1, 128]], [[3, 127]], [[5, 129]], [[127, 4]], [[128, 128]], [[129, 131]], [[260, 300]], [[2048, 7168], true]]
const tiles: Fp8Tile[] = ['1x128', '128x1', '128x128']

const one = (shape: Shape, tile: Fp8Tile, what: string, inputs: OpCase['inputs'], options: { pow2?: boolean; groupRows?: number; slow?: boolean } = {}): OpCase => ({
  name: `${tile} [${shape.join(', ')}] ${what}`, slow: options.slow,
  attrs: { tile, pow2: options.pow2 ?? false, groupRows: options.groupRows ?? 0 }, inputs,
})

const normal = (shape: Shape, tile: Fp8Tile, dtype: FloatOut, slow?: boolean) =>
  one(shape, tile, dtype, (r) => ({ x: r.normal(shape, 1, dtype) }), { slow })

/** Tiles of very different sizes, and zeros, and tiny values below the 1e-4 clamp. */
const ranges = (shape: Shape) => (r: CaseRandom) => {
  const x = r.normal(shape)
  const data = x.data.map((v, i) => v * 2 ** ((((i / shape[1]) | 0) * 7) % 60 - 40) * (i % 13 === 0 ? 0 : 1))
  return { x: { ...x, data } as HostTensor }
}

export const quantize_fp8_cases: OpCase[] = tiles.flatMap((tile) => [
  ...shapes.map(([shape, slow]) => normal(shape, tile, 'f32', slow)),
  normal([129, 131], tile, 'bf16'),
  one([129, 131], tile, 'f32 ue8m0', (r) => ({ x: r.normal([129, 131], 5) }), { pow2: true }),
  one([130, 300], tile, 'f32 wide range', ranges([130, 300])),
  one([128, 128], tile, 'f32 large', (r) => ({ x: r.normal([128, 128], 1e37) })),
  one([4, 8], tile, 'f32 zeros', (r) => ({ x: r.values([4, 8], new Array(32).fill(0)) })),
]).concat([
  one([300, 140], '128x128', 'f32 groups of 100', (r) => ({ x: r.normal([300, 140]) }), { groupRows: 100 }),
  one([384, 131], '128x128', 'f32 groups of 128', (r) => ({ x: r.normal([384, 131]) }), { groupRows: 128 }),
])

const codes = (r: CaseRandom, shape: Shape): HostTensor => r.values(shape, Array.from(r.integers(shape, 0, 127).data as Int32Array, (c, i) => (i % 2 ? -1 : 1) * e4m3Values[c]), 'e4m3')

export const dequantize_fp8_cases: OpCase[] = [
  ...(['1x128', '128x128'] as const).flatMap((tile) => shapes.map(([shape, slow]): OpCase => ({
    name: `${tile} [${shape.join(', ')}]`, slow, attrs: { tile, groupRows: 0 },
    inputs: (r) => ({ q: codes(r, shape), scale: r.uniform(fp8Shapes(shape, tile, 0).scale, 1e-3, 1) }),
  }))),
  { name: '128x128 [300, 140] groups of 100', attrs: { tile: '128x128', groupRows: 100 },
    inputs: (r) => ({ q: codes(r, [300, 140]), scale: r.uniform([3, 2], 1e-3, 1) }) },
]

/** Random codes and scales, shared with the cases of the fp8 products. */
export const fp8Operand = (r: CaseRandom, shape: Shape, scaleShape: Shape): [q: HostTensor, scale: HostTensor] => [codes(r, shape), r.uniform(scaleShape, 1e-3, 1e-2)]
