import type { CaseRandom, HostTensor, OpCase } from '../core/op.ts'

const shapes: [number, number, boolean?][] = [
  [1, 1], [1, 64], [7, 30], [31, 63], [32, 64], [33, 65], [130, 256], [3, 5000], [2048, 256, true], [64, 129280, true],
]

/** Every third target is ignored when `holes`. */
const targets = (r: CaseRandom, T: number, V: number, holes: boolean): HostTensor => {
  const t = r.integers([T], 0, V)
  if (holes) for (let i = 1; i < T; i += 3) t.data[i] = -1
  return t
}

export const cross_entropy_cases: OpCase[] = [
  ...shapes.map(([T, V, slow]): OpCase => ({
    name: `[${T}, ${V}] f32`, slow, attrs: { scale: 1 / T }, inputs: (r) => ({ logits: r.normal([T, V], 2), targets: targets(r, T, V, true) }),
  })),
  { name: '[5, 40] f32 large', attrs: { scale: 2 }, inputs: (r) => ({ logits: r.normal([5, 40], 1e4), targets: targets(r, 5, 40, false) }) },
  { name: '[4, 16] f32 all ignored', attrs: { scale: 1 }, inputs: (r) => ({ logits: r.normal([4, 16]), targets: r.values([4], [-1, -1, -1, -1], 'i32') }) },
]
