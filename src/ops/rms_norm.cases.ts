import type { OpCase } from '../core/op.ts'

const shapes: [number, number, boolean?][] = [[1, 64], [7, 30], [5, 1], [3, 127], [4, 128], [2, 129], [130, 64], [7, 4096], [64, 7168, true]]

export const rms_norm_cases: OpCase[] = [
  ...shapes.map(([T, H, slow]): OpCase => ({
    name: `[${T}, ${H}] f32`, slow, attrs: { eps: 1e-6 },
    inputs: (r) => ({ x: r.normal([T, H]), w: r.uniform([H], 0.5, 1.5) }),
  })),
  { name: '[4, 64] f32 large', attrs: { eps: 1e-6 }, inputs: (r) => ({ x: r.normal([4, 64], 1e6), w: r.uniform([64], 0.5, 1.5) }) },
  { name: '[2, 64] f32 zeros', attrs: { eps: 1e-6 }, inputs: (r) => ({ x: r.values([2, 64], new Array(128).fill(0)), w: r.uniform([64], 0.5, 1.5) }) },
]

export const rms_norm_bwd_cases: OpCase[] = shapes.map(([T, H, slow]): OpCase => ({
  name: `[${T}, ${H}] f32`, slow, attrs: {},
  inputs: (r) => ({ dy: r.normal([T, H]), x: r.normal([T, H]), w: r.uniform([H], 0.5, 1.5), rstd: r.uniform([T], 0.5, 2) }),
}))

export const rms_norm_bwd_w_cases: OpCase[] = shapes.map(([T, H, slow]): OpCase => ({
  name: `[${T}, ${H}] f32`, slow, attrs: {},
  inputs: (r) => ({ dy: r.normal([T, H]), x: r.normal([T, H]), rstd: r.uniform([T], 0.5, 2) }),
}))
