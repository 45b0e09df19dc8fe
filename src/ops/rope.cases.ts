import type { CaseRandom, OpCase } from '../core/op.ts'

/** T, heads, D, R, S, position. */
const shapes: [number, number, number, number, number, number, boolean?][] = [
  [1, 1, 2, 2, 1, 0], [7, 3, 10, 4, 7, 0], [12, 2, 24, 8, 6, 0], [5, 1, 63, 62, 8, 6], [4, 1, 64, 64, 4, 0], [3, 5, 65, 2, 3, 0],
  [64, 128, 192, 64, 32, 0, true],
]

const tables = (r: CaseRandom, S: number, R: number) => {
  const angles = Array.from(r.uniform([S, R / 2], -3, 3).data)
  return { cos: r.values([S, R / 2], angles.map(Math.cos)), sin: r.values([S, R / 2], angles.map(Math.sin)) }
}

export const rope_cases: OpCase[] = shapes.flatMap(([T, n, D, R, S, position, slow]) => [false, true].map((inverse): OpCase => ({
  name: `[${T}, ${n}, ${D}] f32, R ${R}, S ${S}${position ? ` from ${position}` : ''}${inverse ? ', inverse' : ''}`, slow, attrs: { inverse, position },
  inputs: (r) => ({ x: r.normal([T, n, D]), ...tables(r, S, R) }),
})))
