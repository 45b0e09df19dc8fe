import type { OpCase } from '../core/op.ts'

/** T, D, start, len. */
const shapes: [number, number, number, number, boolean?][] = [
  [1, 1, 0, 1], [7, 30, 3, 11], [3, 127, 0, 63], [4, 128, 64, 64], [2, 129, 64, 65], [4096, 576, 512, 64, true],
]

export const slice_cases: OpCase[] = shapes.map(([T, D, start, len, slow]): OpCase => ({
  name: `[${T}, ${D}] f32, ${start} + ${len}`, slow, attrs: { start, len }, inputs: (r) => ({ x: r.normal([T, D]) }),
}))

export const slice_bwd_cases: OpCase[] = shapes.map(([T, D, start, len, slow]): OpCase => ({
  name: `[${T}, ${len}] f32 to ${start} of ${D}`, slow, attrs: { start, width: D }, inputs: (r) => ({ dy: r.normal([T, len]) }),
}))

export const concat_cases: OpCase[] = shapes.map(([T, D, , len, slow]): OpCase => ({
  name: `[${T}, ${D}] and [${T}, ${len}] f32`, slow, attrs: {}, inputs: (r) => ({ x: r.normal([T, D]), y: r.normal([T, len]) }),
}))
